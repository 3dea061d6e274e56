#!/usr/bin/env node
import "istio-teleport/bin/gen-token.js";
