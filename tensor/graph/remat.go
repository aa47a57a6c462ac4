// Rematerialisation: results that are computed again where they are read next, so that
// they need no memory until then.
//
// The planner runs the program on paper, with as much memory as it may have. Where that
// is full it drops a result, and where a dropped one is read it computes it again, from
// what is there and, if need be, from what it computes again in turn. It drops what costs
// the least for a byte and for the time that the byte is free: the rule of Kirisame et
// al., Dynamic Tensor Rematerialization (ICLR 2021), section 4, with the time until the
// next use, which is known here, in place of the time since the last.

package graph

import (
	"container/heap"
	"math"
	"slices"
)

// maxAgain bounds how many times as long as a program what is made of it may be.
const maxAgain = 20

// maxAncestors bounds the instructions that are looked at to compute one result again.
const maxAncestors = 2000

// draft is a program being run on paper.
type draft struct {
	g     *Graph
	lay   *layout
	w     *rewriter // writes what is computed; w.number is where each value is now
	limit int       // bytes
	used  int

	work []int     // of each instruction, the bytes that it works in
	cost []float64 // of each instruction
	size []int     // of each root, its bytes in the arena
	uses [][]int32 // of each root, the instructions that read it and are still to come
	kept []bool    // of each root: an output, which stays
	here []bool    // of each root: it is in memory
	pins []int32   // of each root: it is being read
	born []int32   // of each value: for a root, how often it was computed; for a view, of which of these it is

	queue   evictions
	stamp   []int32 // of each root: of its last entry in the queue
	visited []int32 // of each instruction: the search that saw it last
	search  int32
	now     int32 // the instruction whose turn it is
	emitted int
}

// rematerialise returns a graph that computes what g does with at most limit bytes in use
// at any step, where lay is g's layout; or nil, where none was found.
func (g *Graph) rematerialise(lay *layout, limit int) *Graph {
	h := g.Clone()
	d := newDraft(h, lay, limit)
	for _, i := range lay.steps {
		d.now = i
		if !d.compute(int(i), Untracked) {
			h.Release()
			return nil
		}
	}
	for _, v := range g.Outputs {
		d.view(v)
	}
	d.w.finish()
	h.RemoveDead()
	return h
}

func newDraft(g *Graph, lay *layout, limit int) *draft {
	n := g.NumValues()
	d := &draft{
		g: g, lay: lay, w: g.rewrite(), limit: limit,
		work: make([]int, len(g.Instrs)), cost: make([]float64, len(g.Instrs)), visited: make([]int32, len(g.Instrs)),
		size: make([]int, n), uses: make([][]int32, n), kept: make([]bool, n), here: make([]bool, n),
		pins: make([]int32, n), born: make([]int32, n), stamp: make([]int32, n),
	}
	for v := range n {
		d.here[v] = g.Def(Ref(v)) < 0
		if at := &lay.at[v]; at.root == Ref(v) && at.block >= 0 {
			d.size[v] = aligned(bytesOf(g.Aval(Ref(v))))
		} else if at.root != Ref(v) {
			d.born[v] = -1 // not there yet
		}
	}
	for _, v := range g.Outputs {
		r := lay.at[v].root
		d.kept[r] = true
		if lay.at[v].strides == nil && bytesOf(g.Aval(v)) == bytesOf(g.Aval(r)) {
			d.size[r] = 0 // it lies in its destination
		}
	}
	for s, i := range lay.steps {
		d.cost[i] = CostOf(g.Instrs[i].Inst).Nanos()
		if b := lay.work[s]; b >= 0 {
			d.work[i] = aligned(lay.blocks[b].size)
		}
		for _, v := range g.Args(int(i)) {
			if r := lay.at[v].root; len(d.uses[r]) == 0 || d.uses[r][len(d.uses[r])-1] != i {
				d.uses[r] = append(d.uses[r], i)
			}
		}
	}
	return d
}

// next returns the next instruction from one on that reads a root; not ok if none does.
func (d *draft) next(r Ref, from int32) (i int32, ok bool) {
	for len(d.uses[r]) > 0 && d.uses[r][0] < d.now {
		d.uses[r] = d.uses[r][1:]
	}
	for _, u := range d.uses[r] {
		if u >= from {
			return u, true
		}
	}
	return 0, false
}

// compute writes instruction i: because it is its turn, or to have want again. It
// reports whether there is room.
func (d *draft) compute(i int, want Ref) bool {
	if d.emitted++; d.emitted > maxAgain*(len(d.g.Instrs)+8) {
		return false
	}
	args := d.g.Args(i)
	pinned := 0
	defer func() {
		for _, v := range args[:pinned] {
			d.unpin(d.lay.at[v].root)
		}
	}()
	for _, v := range args {
		if r := d.lay.at[v].root; !d.here[r] && !d.compute(d.g.Def(r), r) {
			return false
		}
		d.pins[d.lay.at[v].root]++
		pinned++
		d.view(v)
	}
	after := d.now // uses from then on keep a value
	if want == Untracked {
		after++
	}
	x := &d.g.Instrs[i]
	need := 0
	for k, a := range x.Inst.Out {
		if v := x.Out + Ref(k); d.here[v] {
			need += aligned(bytesOf(a))
		} else {
			need += d.size[v]
		}
	}
	if !d.room(need + d.work[i] - d.takenOver(x, args, after)) {
		return false
	}
	first := d.w.emit(x.Inst, i, d.w.args(args)...)
	for k := range x.Inst.Out {
		v := x.Out + Ref(k)
		if _, again := d.next(v, after); !d.here[v] && (again || d.kept[v] || v == want) {
			d.w.number[v] = first + Ref(k)
			d.here[v] = true
			d.used += d.size[v]
			d.born[v]++
			d.offer(v)
		}
	}
	if want == Untracked {
		d.now++
	}
	return true
}

// takenOver returns the bytes of an operand that the result can lie in, since nothing
// reads it any more.
func (d *draft) takenOver(x *Instr, args []Ref, after int32) int {
	same := overwrites(x.Inst)
	if same == 0 || d.here[x.Out] {
		return 0
	}
next:
	for k, v := range args {
		_, again := d.next(v, after)
		if !same.Has(k) || d.lay.at[v].root != v || d.size[v] == 0 || d.size[v] != d.size[x.Out] || again || d.kept[v] {
			continue
		}
		n := int32(0)
		for j, w := range args {
			if d.lay.at[w].root == v {
				if w != v || !same.Has(j) {
					continue next
				}
				n++
			}
		}
		if d.pins[v] == n {
			return d.size[v]
		}
	}
	return 0
}

// unpin ends the reading of a root, which is dropped if nothing will read it again.
func (d *draft) unpin(r Ref) {
	if d.pins[r]--; d.pins[r] > 0 || d.size[r] == 0 || d.kept[r] {
		return
	}
	if _, again := d.next(r, d.now); again {
		d.offer(r)
	} else {
		d.drop(r)
	}
}

func (d *draft) drop(r Ref) {
	d.here[r] = false
	d.used -= d.size[r]
}

// view writes the views that lead to v from its root, which is there.
func (d *draft) view(v Ref) {
	r := d.lay.at[v].root
	if v == r || d.born[v] == d.born[r] {
		return
	}
	i := d.g.Def(v)
	from := d.g.Args(i)[0]
	d.view(from)
	d.w.number[v] = d.w.emit(d.g.Instrs[i].Inst, i, d.w.number[from])
	d.born[v] = d.born[r]
}

// room drops results until there is room for so many bytes.
func (d *draft) room(bytes int) bool {
	for d.used+bytes > d.limit {
		if !d.evict() {
			return false
		}
	}
	return true
}

// eviction is a result that may be dropped, and what was known of its price then.
type eviction struct {
	root  Ref
	stamp int32
	price float64
}

type evictions []eviction

func (q evictions) Len() int           { return len(q) }
func (q evictions) Less(i, j int) bool { return q[i].price < q[j].price }
func (q evictions) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *evictions) Push(x any)        { *q = append(*q, x.(eviction)) }
func (q *evictions) Pop() any {
	x := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return x
}

// offer puts a result up for eviction.
func (d *draft) offer(r Ref) {
	if d.size[r] > 0 && !d.kept[r] {
		d.stamp[r]++
		heap.Push(&d.queue, eviction{r, d.stamp[r], d.price(r)})
	}
}

// evict drops the cheapest result that may be dropped, and reports whether there was one.
// Prices in the queue are of the past: one that has risen is put back.
func (d *draft) evict() bool {
	for len(d.queue) > 0 {
		x := heap.Pop(&d.queue).(eviction)
		if x.stamp != d.stamp[x.root] || !d.here[x.root] || d.pins[x.root] > 0 {
			continue
		}
		if p := d.price(x.root); p > x.price && len(d.queue) > 0 && p > d.queue[0].price {
			x.price = p
			heap.Push(&d.queue, x)
			continue
		}
		d.drop(x.root)
		return true
	}
	return false
}

// price is the time to compute a result again, for each byte and each instruction until
// it is read.
func (d *draft) price(r Ref) float64 {
	at, ok := d.next(r, d.now)
	if !ok {
		return 0
	}
	return d.again(r) / (float64(d.size[r]) * float64(at-d.now+1))
}

// again is the time to compute a result that would not be there, with what else is not.
func (d *draft) again(r Ref) float64 {
	d.search++
	list := []int{d.g.Def(r)}
	d.visited[list[0]] = d.search
	total := 0.0
	for k := 0; k < len(list); k++ {
		if k == maxAncestors {
			return math.Inf(1)
		}
		total += d.cost[list[k]]
		for _, v := range d.g.Args(list[k]) {
			q := d.lay.at[v].root
			if i := d.g.Def(q); !d.here[q] && d.visited[i] != d.search {
				d.visited[i] = d.search
				list = append(list, i)
			}
		}
	}
	return total
}

// largestNeed returns the bytes that some step needs even if it runs alone.
func (lay *layout) largestNeed() (most int) {
	for s, i := range lay.steps {
		need := 0
		if b := lay.work[s]; b >= 0 {
			need = aligned(lay.blocks[b].size)
		}
		var seen []int32
		x := &lay.g.Instrs[i]
		add := func(v Ref) {
			if b := lay.at[lay.at[v].root].block; b >= 0 && !slices.Contains(seen, b) {
				seen = append(seen, b)
				need += aligned(lay.blocks[b].size)
			}
		}
		for _, v := range lay.g.Args(int(i)) {
			add(v)
		}
		for k := range x.Inst.Out {
			add(x.Out + Ref(k))
		}
		most = max(most, need)
	}
	return most
}
