// Options of the transformations.

package grad

// Option changes a transformation.
type Option func(*options)

type options struct {
	places bool // Prepare: note the callers' places
	ieee   bool // derivatives: ordinary products
}

func gather(opts []Option) (o options) {
	for _, f := range opts {
		f(&o)
	}
	return o
}

// IEEE, for all transformations that differentiate, makes products of partial
// derivatives with tangents and cotangents ordinary ones. Without it such a
// product is zero if either side is exactly zero, whatever the other is, so that
// what a mask shuts out cannot make a derivative infinite or NaN; that hides
// slopes which arise as 0·Inf. It concerns the ops that are loops; contractions
// multiply ordinarily in any case.
func IEEE() Option { return func(o *options) { o.ieee = true } }
