//go:build cuda && cgo

package cuda

// Nests that reduce nothing and read across: the neighbours of some operand lie along
// another dimension than those of the results, as a transpose's do. Threads that read
// neighbours would write far apart, or the other way round; so a block reads a square of
// the operand row by row into shared memory, and takes it from there column by column.

import "github.com/cotangent-ad/cotangent/kernels/loop"

const (
	// tileSide is the side of a square, and the threads that read or write a row of it.
	tileSide = 32
	// tileRows is the number of rows that a block's threads take at once.
	tileRows = threads / tileSide
	// leastAcross is the size of either dimension from which on squares are worth it:
	// of fewer elements, what one thread reads lies in the cache when the next needs it.
	leastAcross = 16
	// mostTiled is the shared memory for all squares, of which every card has 48 KiB.
	mostTiled = 40 << 10
)

// turn decides which dimension's neighbours are read into squares, and of which operands.
func (p *printer) turn() bool {
	inner := len(p.res) - 1
	if inner < 1 || product(p.res) < leastVector || p.res[inner].size < leastAcross {
		return false
	}
	best := 0
	for d := range p.res[:inner] {
		bytes := 0
		for k := range p.loads {
			if p.across(k, d) {
				bytes += p.bytes(k)
			}
		}
		if bytes > best {
			best, p.turned = bytes, d
		}
	}
	if best == 0 {
		return false
	}
	room := mostTiled
	for k := range p.n.e.Loads {
		a, ok := p.loads[k]
		if bytes := tileSide * (tileSide + 1) * p.bytes(k); ok && p.across(k, p.turned) && bytes <= room {
			room -= bytes
			a.tiled = true
			p.loads[k] = a
		}
	}
	return true
}

// bytes is the size of a load's element.
func (p *printer) bytes(k int) int { return p.n.e.Ins[p.n.e.Loads[k].In].DType.Size() }

// across reports whether a load's neighbours lie along dimension d, and not along the last.
func (p *printer) across(k, d int) bool {
	a, l := p.loads[k], &p.n.e.Loads[k]
	if a.lone || l.Guarded || p.res[d].size < leastAcross {
		return false
	}
	for _, i := range l.Index {
		if i.Via != loop.None {
			return false
		}
	}
	apart := p.res[len(p.res)-1].of(a.at)
	return abs(p.res[d].of(a.at)) == 1 && abs(apart) > 1
}

func abs(v int) int { return max(v, -v) }

// planTiles prints a kernel whose blocks take squares, one after the other. A row of a
// square has one element more than is used, so that those of a column lie in different
// banks of the memory.
func (n *nest) planTiles(p *plan, x *printer) {
	outs := x.arguments()
	x.flag()
	for k := range n.e.Loads {
		if x.loads[k].tiled {
			x.line("\t__shared__ %s s_%d[%d][%d];", loop.CUDAType(n.e.Ins[n.e.Loads[k].In].DType), k, tileSide, tileSide+1)
		}
	}
	last := len(x.res) - 1
	squares := append([]dim(nil), x.res...)
	for _, d := range [2]int{x.turned, last} {
		squares[d].size = (squares[d].size + tileSide - 1) / tileSide
	}
	x.line("\tfor (ix t = blockIdx.x; t < %s; t += gridDim.x) {", x.int(product(squares)))
	x.line("\t\tix r = t;")
	x.coordinates("b", "r", squares, "\t\t")
	for d := range x.res {
		if d != x.turned && d != last {
			x.line("\t\tconst ix %s = %s;", variable("i", d), variable("b", d))
		}
	}
	high, wide := x.int(x.res[x.turned].size), x.int(x.res[last].size)
	// rows goes through a square, with neighbouring threads along one of its sides.
	rows := func(along, other int) {
		x.line("\t\tfor (int s = 0; s < %d; s += %d) {", tileSide, tileRows)
		x.line("\t\t\tconst int row = s + threadIdx.y;")
		x.line("\t\t\tconst ix %s = %s * %d + threadIdx.x, %s = %s * %d + row;",
			variable("i", along), variable("b", along), tileSide, variable("i", other), variable("b", other), tileSide)
		x.line("\t\t\tif (%s >= %s || %s >= %s) continue;", variable("i", x.turned), high, variable("i", last), wide)
	}
	x.line("\t\t#pragma unroll")
	rows(x.turned, last)
	for k := range n.e.Loads {
		if a := x.loads[k]; a.tiled {
			x.line("\t\t\ts_%d[row][threadIdx.x] = %s[%s];", k, a.name, x.whole(a.at))
		}
	}
	x.line("\t\t}")
	x.line("\t\t__syncthreads();")
	rows(last, x.turned)
	x.elements("i", "", x.res, 3, outs, nil)
	x.line("\t\t}")
	x.line("\t\t__syncthreads(); // before the next square")
	x.line("\t}")
	p.list = append(p.list, x.launch("", geometry{
		Grid: [2]int{min(product(squares), mostBlocks), 1}, Block: [2]int{tileSide, tileRows},
	}))
}
