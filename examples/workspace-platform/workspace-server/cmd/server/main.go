// Command server provisions workspaces: it builds their images with docker and fetches their plugins with git.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"example.org/workspace-platform/workspace-server/internal/api"
	"example.org/workspace-platform/workspace-server/internal/plugins"
	"example.org/workspace-platform/workspace-server/internal/provisioner"
	"example.org/workspace-platform/workspace-server/internal/runlog"
)

func main() {
	address := os.Getenv("LISTEN_ADDRESS")
	if address == "" {
		address = ":8080"
	}
	runs := runlog.New()
	server := &http.Server{
		Addr:              address,
		Handler:           api.New(provisioner.New(runs), plugins.New(runs), runs),
		ReadHeaderTimeout: 5 * time.Second,
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(grace); err != nil {
			log.Printf("shutdown: %v", err)
		}
	}()

	log.Printf("listening on %s", address)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}
