// Approximate minimum degree (Amestoy, Davis and Duff 1996).

package direct

import "math"

// ordering is the elimination as it goes on, on a quotient graph: a variable that was
// eliminated has become an element, which stands for the clique of its neighbours.
type ordering struct {
	n    int
	list [][]int32 // of a variable its elements, then its variables; of an element its variables
	elen []int32   // of a variable how many elements
	nv   []int32   // of a variable how many it stands for, 0 once it is gone; negative in the element that is being made

	degree []int32 // of a variable a bound of how many others it is next to; of an element how many it holds
	live   []bool  // elements that were not absorbed by others

	head, next, prev []int32 // variables by degree

	w    []int // marks of elements and variables, by flag
	flag int

	bucket, chain, key []int32 // variables of an element by the sum of their neighbours

	link []int32 // of a variable that is gone the one that stands for it, else -1
}

// order returns which variable is eliminated first, second and so on. The lists hold
// the neighbours of each, without itself, and are taken over.
func order(list [][]int32) []int32 {
	n := len(list)
	o := &ordering{n: n, list: list, flag: 1, live: make([]bool, n), w: make([]int, n)}
	for _, s := range []*[]int32{&o.elen, &o.nv, &o.degree, &o.head, &o.next, &o.prev, &o.bucket, &o.chain, &o.key, &o.link} {
		*s = make([]int32, n)
	}
	for i := range n {
		o.head[i], o.bucket[i], o.link[i], o.nv[i] = -1, -1, -1, 1
		o.degree[i] = int32(len(list[i]))
	}
	// Rows that are almost full go last, without a look at them.
	dense := int32(max(16, 10*math.Sqrt(float64(n))))
	var last []int32
	for i := range int32(n) {
		if o.degree[i] > dense {
			last = append(last, i)
			o.nv[i] = 0
		} else {
			o.insert(i)
		}
	}
	var pivots []int32
	least := int32(0)
	for left := n - len(last); left > 0; {
		for o.head[least] < 0 {
			least++
		}
		p := o.head[least]
		o.remove(p)
		pivots = append(pivots, p)
		left -= o.eliminate(p, int32(left))
		for _, i := range o.list[p] {
			least = min(least, o.degree[i])
		}
	}
	return append(o.expand(pivots), last...)
}

func (o *ordering) insert(i int32) {
	d := o.degree[i]
	o.prev[i], o.next[i] = -1, o.head[d]
	if o.head[d] >= 0 {
		o.prev[o.head[d]] = i
	}
	o.head[d] = i
}

func (o *ordering) remove(i int32) {
	if o.next[i] >= 0 {
		o.prev[o.next[i]] = o.prev[i]
	}
	if o.prev[i] >= 0 {
		o.next[o.prev[i]] = o.next[i]
	} else {
		o.head[o.degree[i]] = o.next[i]
	}
}

// eliminate makes an element of p, and returns how many variables are gone with it, of
// those left.
func (o *ordering) eliminate(p, left int32) int {
	gone := o.nv[p]
	size := o.form(p)
	o.outside(p)
	mass := o.update(p)
	gone, size = gone+mass, size-mass
	o.merge(p)
	// What is left of the element, with the degrees of its variables.
	kept := o.list[p][:0]
	for _, i := range o.list[p] {
		if o.nv[i] >= 0 {
			continue // gone
		}
		o.nv[i] = -o.nv[i]
		o.degree[i] = max(0, min(o.degree[i]+size-o.nv[i], left-gone-o.nv[i]))
		o.insert(i)
		kept = append(kept, i)
	}
	o.list[p], o.degree[p], o.nv[p], o.live[p] = kept, size, 0, len(kept) > 0
	return int(gone)
}

// form lists p's neighbours, takes them off their degrees' lists, and returns how many
// they stand for. Elements next to p are absorbed.
func (o *ordering) form(p int32) (size int32) {
	o.nv[p] = -o.nv[p]
	var members []int32
	add := func(list []int32) {
		for _, i := range list {
			if o.nv[i] > 0 {
				size += o.nv[i]
				o.nv[i] = -o.nv[i]
				o.remove(i)
				members = append(members, i)
			}
		}
	}
	own := o.list[p]
	for _, e := range own[:o.elen[p]] {
		if o.live[e] {
			add(o.list[e])
			o.list[e], o.live[e] = nil, false
		}
	}
	add(own[o.elen[p]:])
	o.list[p] = members
	return size
}

// outside sets w[e] - flag to how many variables e has outside of p's, for the elements
// next to p's variables.
func (o *ordering) outside(p int32) {
	o.flag += o.n + 1
	for _, i := range o.list[p] {
		for _, e := range o.list[i][:o.elen[i]] {
			if !o.live[e] {
				continue
			}
			if o.w[e] < o.flag {
				o.w[e] = int(o.degree[e]) + o.flag
			}
			o.w[e] += int(o.nv[i]) // which is negative
		}
	}
}

// update puts p into the lists of its variables, in the place of what it covers, and
// sets their degrees but for p's own part. It returns how many variables are next to
// nothing else and so are eliminated along with p.
func (o *ordering) update(p int32) (mass int32) {
	for _, i := range o.list[p] {
		list, elements, deg := o.list[i], o.elen[i], 0
		held := list[:0]
		for _, e := range list[:elements] {
			if !o.live[e] {
				continue
			}
			if d := o.w[e] - o.flag; d > 0 {
				deg += d
				held = append(held, e)
			} else {
				o.list[e], o.live[e] = nil, false // all in p
			}
		}
		variables := list[elements:elements]
		for _, j := range list[elements:] {
			if o.nv[j] > 0 {
				deg += int(o.nv[j])
				variables = append(variables, j)
			}
		}
		if deg == 0 {
			mass -= o.nv[i]
			o.absorb(i, p)
			continue
		}
		// There is room for p, since i is next to it by one that it covers.
		k := len(held) + 1
		o.list[i], o.elen[i] = list[:k+len(variables)], int32(k)
		copy(o.list[i][k:], variables)
		list[k-1] = p
		o.degree[i] = min(o.degree[i], int32(min(deg, o.n)))
	}
	return mass
}

// absorb has variable i go with j.
func (o *ordering) absorb(i, j int32) {
	o.nv[i], o.link[i], o.list[i] = 0, j, nil
}

// merge finds variables of p with the same neighbours: one stands for all.
func (o *ordering) merge(p int32) {
	for _, i := range o.list[p] {
		if o.nv[i] == 0 {
			continue
		}
		var hash uint32
		for _, k := range o.list[i] {
			hash += uint32(k)
		}
		o.key[i] = int32(hash % uint32(o.n))
		o.chain[i] = o.bucket[o.key[i]]
		o.bucket[o.key[i]] = i
	}
	for _, k := range o.list[p] {
		if o.nv[k] == 0 {
			continue
		}
		i := o.bucket[o.key[k]]
		o.bucket[o.key[k]] = -1
		for ; i >= 0 && o.chain[i] >= 0; i = o.chain[i] {
			if o.nv[i] == 0 {
				continue
			}
			o.flag += o.n + 1
			for _, k := range o.list[i] {
				o.w[k] = o.flag
			}
			for j := o.chain[i]; j >= 0; j = o.chain[j] {
				if o.nv[j] != 0 && o.alike(i, j) {
					o.nv[i] += o.nv[j]
					o.absorb(j, i)
				}
			}
		}
	}
}

// alike reports whether j has the neighbours of i, which are marked.
func (o *ordering) alike(i, j int32) bool {
	if o.elen[i] != o.elen[j] || len(o.list[i]) != len(o.list[j]) {
		return false
	}
	for _, k := range o.list[j] {
		if o.w[k] != o.flag {
			return false
		}
	}
	return true
}

// expand lists pivots with those that they stand for.
func (o *ordering) expand(pivots []int32) []int32 {
	first, next := make([]int32, o.n), make([]int32, o.n)
	for i := range first {
		first[i] = -1
	}
	for i, j := range o.link {
		if j >= 0 {
			next[i] = first[j]
			first[j] = int32(i)
		}
	}
	out := make([]int32, 0, o.n)
	var stack []int32
	for _, p := range pivots {
		stack = append(stack, p)
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			out = append(out, i)
			for j := first[i]; j >= 0; j = next[j] {
				stack = append(stack, j)
			}
		}
	}
	return out
}
