package main

func Example() {
	main()
	// Output:
	// Hv, forward over reverse [402. 400.]
	// Hv, reverse over forward [402. 400.]
	// H
	// [[402. 400.]
	//  [400. 200.]]
}
