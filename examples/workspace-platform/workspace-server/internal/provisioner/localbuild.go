// Package provisioner brings workspace images into being with the docker of the host.
package provisioner

import (
	"context"
	"os/exec"
	"time"

	"example.org/workspace-platform/workspace-server/internal/runlog"
)

const dockerBin = "docker"

// runner prepares a docker command; a test puts its own in place.
type runner func(ctx context.Context, args ...string) *exec.Cmd

var dockerCommand runner = func(ctx context.Context, args ...string) *exec.Cmd {
	return newCommand(ctx, dockerBin, args...)
}

var newCommand = exec.CommandContext

// Provisioner builds and looks up images.
type Provisioner struct {
	log     *runlog.Log
	run     runner
	timeout time.Duration
}

// New returns a provisioner that notes its runs in the log.
func New(log *runlog.Log) *Provisioner {
	return &Provisioner{log: log, run: dockerCommand, timeout: 2 * time.Minute}
}

// Version asks the docker client for its version; it needs no daemon.
func (p *Provisioner) Version(ctx context.Context) (runlog.Run, error) {
	return p.docker(ctx, "--version")
}

// Provision makes sure that an image is there, and builds it from its template folder where it is not.
func (p *Provisioner) Provision(ctx context.Context, image, template string) (runlog.Run, error) {
	if run, err := p.docker(ctx, "image", "inspect", "--format", "{{.Id}}", image); err == nil {
		return run, nil
	}
	return p.docker(ctx, "build", "--platform", "linux/amd64", "--tag", image, template)
}

func (p *Provisioner) docker(ctx context.Context, args ...string) (runlog.Run, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	return p.log.Do(p.run(ctx, args...))
}
