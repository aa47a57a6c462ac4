// Package check tests the derivatives of users' functions: forward mode against
// differences, reverse mode against the same differences and against forward
// mode, to third order, along random directions.
//
//	func TestLoss(t *testing.T) {
//		if err := check.Derivatives(loss, params, check.Order(2)).Err(); err != nil {
//			t.Error(err)
//		}
//	}
//
// What is compared are derivatives of smooth functions: at a kink differences
// mean nothing, so choose a point away from kinks. The differences are central
// ones with Richardson's extrapolation (error O(h⁴)).
package check
