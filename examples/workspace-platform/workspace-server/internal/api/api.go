// Package api is the server's HTTP face.
package api

import (
	"encoding/json"
	"errors"
	"log"
	"net/http"

	"example.org/workspace-platform/workspace-server/internal/plugins"
	"example.org/workspace-platform/workspace-server/internal/provisioner"
	"example.org/workspace-platform/workspace-server/internal/runlog"
)

// New returns the handler of all paths:
//
//	GET  /health                              the server answers
//	GET  /runs                                what it ran so far
//	GET  /versions                            runs `docker --version` and `git --version`
//	POST /workspaces?image=REF&template=PATH  provisions an image
//	POST /plugins?source=URL                  fetches a plugin
//
// An answer is what was run; its status is 502 where the program failed or did not start.
func New(images *provisioner.Provisioner, fetcher *plugins.Fetcher, runs *runlog.Log) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("/runs", func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, runs.Runs())
	})
	mux.HandleFunc("/versions", func(w http.ResponseWriter, r *http.Request) {
		docker, dockerErr := images.Version(r.Context())
		git, gitErr := fetcher.Version(r.Context())
		write(w, status(dockerErr, gitErr), []runlog.Run{docker, git})
	})
	mux.HandleFunc("/workspaces", post(func(w http.ResponseWriter, r *http.Request) {
		run, err := images.Provision(r.Context(), r.FormValue("image"), r.FormValue("template"))
		write(w, status(err), run)
	}))
	mux.HandleFunc("/plugins", post(func(w http.ResponseWriter, r *http.Request) {
		run, err := fetcher.Fetch(r.Context(), r.FormValue("source"))
		if errors.Is(err, plugins.ErrSource) {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		write(w, status(err), run)
	}))
	return mux
}

func post(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "POST only", http.StatusMethodNotAllowed)
			return
		}
		next(w, r)
	}
}

func status(errs ...error) int {
	for _, err := range errs {
		if err != nil {
			return http.StatusBadGateway
		}
	}
	return http.StatusOK
}

func write(w http.ResponseWriter, status int, body interface{}) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Printf("answer: %v", err)
	}
}
