// Package runlog keeps what the server ran, newest last.
package runlog

import (
	"os/exec"
	"strings"
	"sync"
)

const (
	maxRuns   = 100
	maxOutput = 4096
)

// Run is one program that was run.
type Run struct {
	Program string   `json:"program"`
	Args    []string `json:"args"`
	Output  string   `json:"output"`
	Error   string   `json:"error,omitempty"`
}

// Log holds the last runs.
type Log struct {
	mu   sync.Mutex
	runs []Run
}

// New returns an empty log.
func New() *Log {
	return &Log{}
}

// Do runs a prepared command, keeps what came of it and returns it.
func (l *Log) Do(cmd *exec.Cmd) (Run, error) {
	output, err := cmd.CombinedOutput()
	if len(output) > maxOutput {
		output = output[:maxOutput]
	}
	run := Run{Program: cmd.Args[0], Args: cmd.Args[1:], Output: strings.TrimSpace(string(output))}
	if err != nil {
		run.Error = err.Error()
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	l.runs = append(l.runs, run)
	if len(l.runs) > maxRuns {
		l.runs = l.runs[len(l.runs)-maxRuns:]
	}
	return run, err
}

// Runs returns a copy of what is kept.
func (l *Log) Runs() []Run {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]Run{}, l.runs...)
}
