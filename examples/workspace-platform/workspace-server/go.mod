module example.org/workspace-platform/workspace-server

go 1.19
