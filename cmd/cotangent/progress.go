// How far a command is: a line on the terminal that is gone in the end.

package main

import (
	"os"

	"github.com/cheggaaa/pb/v3"
	"golang.org/x/term"
)

func onTerminal() bool { return term.IsTerminal(int(os.Stderr.Fd())) }

// newBar starts a line that looks as a template of package pb says.
func newBar(total int64, template string) *pb.ProgressBar {
	bar := pb.New64(total).SetTemplateString(template).SetWriter(os.Stderr).Set(pb.CleanOnFinish, true)
	return bar.Start()
}

// progress draws a bar on a terminal, else nothing.
func progress() func(done, total int, what string) {
	if !onTerminal() {
		return nil
	}
	var bar *pb.ProgressBar
	return func(done, total int, what string) {
		if bar == nil {
			bar = newBar(int64(total), `{{counters .}} {{bar .}} {{string . "what"}}`)
		}
		bar.Set("what", what).SetTotal(int64(total)).SetCurrent(int64(done))
		if done == total {
			bar.Finish()
		}
	}
}

// waiting shows on a terminal that something is going on, until done is called.
func waiting(what string) (done func()) {
	if !onTerminal() {
		return func() {}
	}
	bar := newBar(0, what+` {{cycle . "|" "/" "-" "\\"}} {{etime .}}`)
	return func() { bar.Finish() }
}
