module github.com/gravitational/teleport/api

go 1.21
