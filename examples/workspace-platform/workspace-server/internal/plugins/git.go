// Package plugins fetches workspace plugins from git repositories.
package plugins

import (
	"context"
	"errors"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"

	"example.org/workspace-platform/workspace-server/internal/runlog"
)

// ErrSource tells that a plugin's source is not an https URL.
var ErrSource = errors.New("a plugin's source must be an https URL")

// Fetcher clones plugins.
type Fetcher struct {
	log  *runlog.Log
	git  string
	root string
}

// New returns a fetcher that notes its runs in the log.
func New(log *runlog.Log) *Fetcher {
	return &Fetcher{log: log, git: "git", root: "/var/lib/workspace-server/plugins"}
}

// Version asks git for its version.
func (f *Fetcher) Version(ctx context.Context) (runlog.Run, error) {
	return f.run(ctx, "--version")
}

// Fetch clones a plugin, with only its newest commit.
func (f *Fetcher) Fetch(ctx context.Context, source string) (runlog.Run, error) {
	parsed, err := url.Parse(source)
	if err != nil || parsed.Scheme != "https" || parsed.Host == "" {
		return runlog.Run{}, ErrSource
	}
	name := strings.TrimSuffix(filepath.Base(parsed.Path), ".git")
	return f.run(ctx, "clone", "--depth=1", "--", parsed.String(), filepath.Join(f.root, name))
}

func (f *Fetcher) run(ctx context.Context, args ...string) (runlog.Run, error) {
	return f.log.Do(exec.CommandContext(ctx, f.git, args...))
}
