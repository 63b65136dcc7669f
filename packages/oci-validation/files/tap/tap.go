// SPDX-License-Identifier: MPL-2.0

// Package tap writes the Test Anything Protocol, version 13. The conformance programs import a
// writer that Debian does not have; this one offers the same calls.
package tap

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// T numbers the tests of one program. A copy made by Todo shares its counter.
type T struct {
	Writer io.Writer
	count  *int
	suffix string
}

// New begins with no test written.
func New() *T {
	return &T{Writer: os.Stdout, count: new(int)}
}

// Header names the version, and the plan when the number of tests is known (above 0).
func (t *T) Header(planned int) {
	fmt.Fprintln(t.Writer, "TAP version 13")
	if planned > 0 {
		fmt.Fprintf(t.Writer, "1..%d\n", planned)
	}
}

// AutoPlan writes the plan after the last test.
func (t *T) AutoPlan() {
	fmt.Fprintf(t.Writer, "1..%d\n", *t.count)
}

// Ok writes one result.
func (t *T) Ok(passed bool, description string) {
	word := "not ok"
	if passed {
		word = "ok"
	}
	*t.count++
	fmt.Fprintf(t.Writer, "%s %d - %s%s\n", word, *t.count, description, t.suffix)
}

// Pass writes a result that is good.
func (t *T) Pass(description string) { t.Ok(true, description) }

// Fail writes a result that is bad.
func (t *T) Fail(description string) { t.Ok(false, description) }

// Skip writes count results that were not asked for.
func (t *T) Skip(count int, reason string) {
	for ; count > 0; count-- {
		*t.count++
		fmt.Fprintf(t.Writer, "ok %d # SKIP %s\n", *t.count, reason)
	}
}

// Todo returns a writer whose failures do not count.
func (t *T) Todo() *T {
	return &T{Writer: t.Writer, count: t.count, suffix: " # TODO"}
}

// Diagnostic writes a comment, which may have several lines.
func (t *T) Diagnostic(text string) {
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		fmt.Fprintf(t.Writer, "# %s\n", line)
	}
}

// Diagnosticf writes a formatted comment.
func (t *T) Diagnosticf(format string, values ...interface{}) {
	t.Diagnostic(fmt.Sprintf(format, values...))
}

// YAML writes a block about the last result; JSON is YAML.
func (t *T) YAML(value interface{}) error {
	text, err := json.MarshalIndent(value, "  ", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintf(t.Writer, "  ---\n  %s\n  ...\n", text)
	return nil
}
