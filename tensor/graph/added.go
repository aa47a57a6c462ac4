// Outputs that are added to their destinations: the sums of a scan.

package graph

import "slices"

// findAdded finds for each sum the step that can add it to its destination itself:
// a loop makes it and nothing else, and nothing reads it. Others are made in memory
// of their own first.
func (l *layout) findAdded() {
	read := map[Ref]bool{}
	for _, i := range l.steps {
		for _, v := range l.g.Args(int(i)) {
			read[l.at[v].root] = true
		}
	}
	step := map[Ref]int32{}
	for s, i := range l.steps {
		if x := &l.g.Instrs[i]; x.Inst.Expr != nil && len(x.Inst.Out) == 1 && x.Inst.Out[0].DType.IsFloat() {
			step[x.Out] = int32(s)
		}
	}
	outputs := map[Ref]int{}
	for _, v := range l.g.Outputs {
		outputs[l.at[v].root]++
	}
	for _, v := range l.g.Outputs[min(l.sums, len(l.g.Outputs)):] {
		s, ok := step[v]
		if !ok || read[v] || outputs[v] > 1 || slices.Contains(l.added, s) {
			s = -1
		}
		l.added = append(l.added, s)
	}
}
