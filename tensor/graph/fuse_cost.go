// Fusion: when a loop is better computed by every reader than stored for them.

package graph

// Nanoseconds of one core of a recent machine, which need to be right only in
// proportion.
const (
	flopTime   = 0.08  // an operation on one element
	slowTime   = 1.0   // a transcendental function
	loadTime   = 0.06  // a load
	byteTime   = 0.008 // to move a byte within the caches
	farTime    = 0.03  // ... from memory
	farBytes   = 1 << 20
	callTime   = 100 // to run one more kernel
	stepTime   = 3   // to begin an operation on a tile
	tilePoints = 512 // of a tile
)

// worthCopying reports whether the readers in rest had better compute instruction i
// themselves, home being the group that computes it at any rate, or -1.
func (f *fuser) worthCopying(i, home int32, rest []reader) bool {
	inst := f.g.Instrs[i].Inst
	e := inst.Expr
	points := extent(e.Axes)
	work := 0 // points computed, if no value is stored
	if home >= 0 {
		work = points
	}
	begun := 0.0
	for _, r := range rest {
		if r.whole || r.group < 0 || len(r.places) > 4 {
			return false
		}
		g := f.groups[f.find(r.group)]
		if f.near && f.prolongs(i, f.find(r.group)) {
			return false
		}
		if !g.loop || g.nodes+len(r.places)*len(e.Nodes) > g.most() {
			return false
		}
		work += r.work
		if n := extent(g.axes); n > points {
			begun += float64(n) / tilePoints
		}
	}
	c := e.Cost()
	each := (flopTime*float64(c.Flops)+slowTime*float64(c.Transcendentals))/float64(points) + loadTime*float64(len(e.Loads))
	cost := each*float64(work-points) + stepTime*float64(len(e.Nodes))*begun
	stored := 0.0
	for _, a := range inst.Out {
		stored += moving(bytesOf(a))
	}
	saved := stored * float64(1+len(rest))
	if home < 0 {
		saved += callTime
	}
	for k, a := range inst.In { // what copies read instead
		if _, known := f.known[f.g.Args(int(i))[k]]; !known {
			cost += moving(min(bytesOf(a), points*a.DType.Size())) * float64(len(rest)-1)
			if home >= 0 {
				cost += moving(min(bytesOf(a), points*a.DType.Size()))
			}
		}
	}
	return cost <= saved
}

// moving is the time to store or to load so many bytes.
func moving(bytes int) float64 {
	t := byteTime
	if bytes > farBytes {
		t += farTime
	}
	return t * float64(bytes)
}
