package provisioner

import (
	"context"
	"os/exec"
	"reflect"
	"testing"
	"time"

	"example.org/workspace-platform/workspace-server/internal/runlog"
)

func TestProvisionBuildsWhatIsMissing(t *testing.T) {
	log := runlog.New()
	p := &Provisioner{log: log, timeout: time.Minute, run: func(ctx context.Context, args ...string) *exec.Cmd {
		if args[0] == "image" {
			return exec.CommandContext(ctx, "false")
		}
		return exec.CommandContext(ctx, "echo", args...)
	}}
	run, err := p.Provision(context.Background(), "workspace:dev", "/templates/shell")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"build", "--platform", "linux/amd64", "--tag", "workspace:dev", "/templates/shell"}
	if !reflect.DeepEqual(run.Args, want) {
		t.Errorf("args = %v, want %v", run.Args, want)
	}
	if got := len(log.Runs()); got != 2 {
		t.Errorf("%d runs, want 2", got)
	}
}
