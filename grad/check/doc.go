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
// What is compared are derivatives of smooth functions. The differences are
// central ones with Richardson's extrapolation (error O(h⁴)). Near a kink smaller
// steps are tried, and at one, where differences mean nothing, a Finding says
// that they did not settle: choose another point.
package check
