// Where first and second derivatives can be nonzero, from the expression alone.

package loop

// Structure tells which derivatives of a result can be nonzero. Its letters are
// z for a derivative that is zero, f for one that is constant but for jumps, s
// for one that is neither.
type Structure struct {
	Loads string // a letter for each load
	Ins   string // a letter for each operand

	// Cross lists the pairs of loads p <= q by which a second derivative of one
	// iteration's value can be nonzero; p == q is a load of letter s.
	Cross [][2]int
	// Coupled is set where the reduction (LSE, Prod) makes second derivatives by
	// the loads of different iterations nonzero, too.
	Coupled bool
}

// Structure returns the structure of each result.
func (e *Expr) Structure() []Structure {
	first := e.firstOrder()
	out := make([]Structure, len(e.Outs))
	for i := range e.Outs {
		out[i] = e.structure(&e.Outs[i], first)
	}
	return out
}

// loadSet is a set of loads.
type loadSet []bool

func (s loadSet) join(t loadSet) {
	for i, in := range t {
		s[i] = s[i] || in
	}
}

// letter returns the letter of node x by its argument i, or, for i the number
// of arguments, its mixed letter.
func (e *Expr) letter(x *Inst, i int) byte {
	switch order := facts[x.Fn].order; {
	case i >= len(order) || !x.DType.IsFloat() || x.Fn == Cast && !e.DType(x.Arg[0]).IsFloat():
		return 'z'
	default:
		return order[i]
	}
}

// firstOrder returns, for each node, the loads by which its derivative can be
// nonzero.
func (e *Expr) firstOrder() []loadSet {
	sets := make([]loadSet, len(e.Nodes))
	for n := range e.Nodes {
		x := &e.Nodes[n]
		sets[n] = make(loadSet, len(e.Loads))
		if x.Fn == LoadFn && x.DType.IsFloat() {
			sets[n][x.K] = true
		}
		for i := range x.Fn.Arity() {
			if e.letter(x, i) != 'z' {
				sets[n].join(sets[x.Arg[i]])
			}
		}
	}
	return sets
}

// structure follows one result down to the loads through the derivatives that
// are not zero, and collects the pairs that nonlinear nodes on the way make.
func (e *Expr) structure(s *Store, first []loadSet) Structure {
	pairs := make([]loadSet, len(e.Loads))
	for p := range pairs {
		pairs[p] = make(loadSet, len(e.Loads))
	}
	cross := func(a, b loadSet) {
		for p := range a {
			if a[p] {
				pairs[p].join(b)
			}
			if b[p] {
				pairs[p].join(a)
			}
		}
	}
	reach := make([]bool, len(e.Nodes))
	reach[s.Value] = true
	for n := len(e.Nodes) - 1; n >= 0; n-- {
		x := &e.Nodes[n]
		for i := range x.Fn.Arity() {
			l := e.letter(x, i)
			if !reach[n] || l == 'z' {
				continue
			}
			reach[x.Arg[i]] = true
			if l == 's' {
				cross(first[x.Arg[i]], first[x.Arg[i]])
			}
		}
		if reach[n] && x.Fn.Arity() == 2 && e.letter(x, 2) == 'c' {
			cross(first[x.Arg[0]], first[x.Arg[1]])
		}
	}
	coupled := (s.Reduce == LSE || s.Reduce == Prod) && len(e.Reduced(s)) > 0
	if coupled {
		cross(first[s.Value], first[s.Value])
	}
	return e.letters(first[s.Value], pairs, coupled)
}

// letters sums up the loads and pairs of one result.
func (e *Expr) letters(first loadSet, pairs []loadSet, coupled bool) Structure {
	order := make([]int, len(e.Loads)) // 0, 1, 2 for z, f, s
	ins := make([]int, len(e.Ins))
	out := Structure{Coupled: coupled}
	for p := range e.Loads {
		in := e.Loads[p].In
		order[p] = int(b2i(first[p]))
		for q := p; q < len(pairs); q++ {
			if !pairs[p][q] {
				continue
			}
			out.Cross = append(out.Cross, [2]int{p, q})
			if p == q {
				order[p] = 2
			}
			if e.Loads[q].In == in {
				ins[in] = 2
			}
		}
		ins[in] = max(ins[in], order[p])
	}
	out.Loads, out.Ins = zfs(order), zfs(ins)
	return out
}

func zfs(order []int) string {
	s := make([]byte, len(order))
	for i, o := range order {
		s[i] = "zfs"[o]
	}
	return string(s)
}
