package loop

func (e *Expr) LaTeX() string                { return "" }
func (e *Expr) Go(name string) string        { return "" }
func (e *Expr) C(name, prefix string) string { return "" }
