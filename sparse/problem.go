// What is to be coloured, and in which order.

package sparse

import "fmt"

// Structure says what is known of a matrix besides its pattern.
type Structure uint8

// A Jacobian is General, a Hessian Symmetric.
const (
	General Structure = iota
	Symmetric
)

// Partition says which vectors are multiplied to the matrix: seeds from the right
// give columns (forward mode), seeds from the left rows (reverse mode).
type Partition uint8

// The partitions.
const (
	ByColumn Partition = iota
	ByRow
	Bidirectional // some entries by columns, the others by rows
)

// Recovery says how entries are found from the products.
type Recovery uint8

// Direct recovery reads each entry off one product. Substitution solves for some
// entries from others: fewer colours, more work an entry.
const (
	Direct Recovery = iota
	Substitution
)

// Problem is a colouring problem. The variables below are all that make sense.
type Problem struct {
	Structure Structure
	Partition Partition
	Recovery  Recovery
}

// The colouring problems, with their names in Gebremedhin, Manne and Pothen (2005).
var (
	// Columns: columns with an entry in the same row differ (partial distance-2
	// colouring of the columns).
	Columns = Problem{General, ByColumn, Direct}
	// Rows: rows with an entry in the same column differ.
	Rows = Problem{General, ByRow, Direct}
	// Star: neighbours differ, and no path of four vertices has two colours.
	Star = Problem{Symmetric, ByColumn, Direct}
	// Acyclic: neighbours differ, and no cycle has two colours.
	Acyclic = Problem{Symmetric, ByColumn, Substitution}
	// StarBicoloring: each entry is alone in its row among the columns of a
	// colour, or alone in its column among the rows of a colour.
	StarBicoloring = Problem{General, Bidirectional, Direct}
	// AcyclicBicoloring: entries follow from products of both kinds one by one, by
	// substitution.
	AcyclicBicoloring = Problem{General, Bidirectional, Substitution}
)

var problemNames = map[Problem]string{
	Columns: "column", Rows: "row", Star: "star", Acyclic: "acyclic",
	StarBicoloring: "star bicolouring", AcyclicBicoloring: "acyclic bicolouring",
}

// String returns the problem's name: "column", "row", "star", "acyclic", "star
// bicolouring" or "acyclic bicolouring".
func (p Problem) String() string {
	if s, ok := problemNames[p]; ok {
		return s
	}
	return fmt.Sprintf("problem {%d %d %d}", p.Structure, p.Partition, p.Recovery)
}

// ParseProblem returns the problem of the given name (see String).
func ParseProblem(name string) (Problem, error) {
	for p, s := range problemNames {
		if s == name {
			return p, nil
		}
	}
	return Problem{}, &ProblemError{Reason: fmt.Sprintf("no problem is called %q", name)}
}

// check returns an error unless the problem can be posed for the pattern.
func (p Problem) check(a *Pattern) error {
	if _, ok := problemNames[p]; !ok {
		return &ProblemError{p, "not one of Columns, Rows, Star, Acyclic, StarBicoloring, AcyclicBicoloring"}
	}
	if p.Structure == Symmetric && a.Rows != a.Cols {
		return &ProblemError{p, fmt.Sprintf("the pattern is %d x %d", a.Rows, a.Cols)}
	}
	return nil
}

// Order is the order in which a greedy colouring visits vertices. For Columns and
// Rows, neighbours are lines that meet; for the others, rows and columns joined by
// an entry.
type Order uint8

// The orders.
const (
	Natural             Order = iota // as numbered (rows before columns)
	LargestFirst                     // most neighbours first
	SmallestLast                     // least neighbours among those left, from the end
	IncidenceDegree                  // most neighbours already visited next
	DynamicLargestFirst              // most neighbours among those left next
	Random                           // shuffled by the seed
	orderCount
)

var orderNames = [...]string{"natural", "largest-first", "smallest-last", "incidence-degree", "dynamic-largest-first", "random"}

// String returns the order's name, such as "smallest-last".
func (o Order) String() string {
	if o < orderCount {
		return orderNames[o]
	}
	return fmt.Sprintf("order %d", uint8(o))
}

// ParseOrder returns the order of the given name (see String).
func ParseOrder(name string) (Order, error) {
	for o, s := range orderNames {
		if s == name {
			return Order(o), nil
		}
	}
	return 0, &ProblemError{Reason: fmt.Sprintf("no order is called %q", name)}
}
