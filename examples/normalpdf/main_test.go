package main

func Example() {
	main()
	// Output:
	// f        =  0.3521
	// df/dx    = -0.1760
	// df/dmu   =  0.1760
	// df/dsigma= -0.2640
}
