package main

func Example() {
	main()
	// Output:
	// A^3       [ 0.  1.  8. 27.]
	// gradient  [ 0.  3. 12. 27.]
	// second    [ 0.  6. 12. 18.]
}
