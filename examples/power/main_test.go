package main

func Example() {
	main()
	// Output:
	// Go loop
	//   A^3       [ 0.  1.  8. 27.]
	//   gradient  [ 0.  3. 12. 27.]
	//   second    [ 0.  6. 12. 18.]
	//   prepared gradient of A^3: 1 instructions, at 0, 1, 1, 1 [0. 3. 3. 3.] <nil>
	//   prepared gradient of A^300: 7 instructions, at 0, 1, 1, 1 [  0. 300. 300. 300.] <nil>
	// Scan
	//   A^3       [ 0.  1.  8. 27.]
	//   gradient  [ 0.  3. 12. 27.]
	//   second    [ 0.  6. 12. 18.]
	//   prepared gradient of A^3: 4 instructions, at 0, 1, 1, 1 [0. 3. 3. 3.] <nil>
	//   prepared gradient of A^300: 4 instructions, at 0, 1, 1, 1 [  0. 300. 300. 300.] <nil>
}
