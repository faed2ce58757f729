#!/usr/bin/env node
// The command as npm installs it: hands over to the bundle, and says how to get it where there is none.
'use strict';
const { existsSync } = require('node:fs');
const path = require('node:path');

const bundle = path.join(__dirname, '../dist/cli.js');
if (existsSync(bundle)) {
  require(bundle);
} else {
  console.error('onnx-precision: not built yet; run `npm ci && npm run build` in ' + path.dirname(__dirname));
  process.exitCode = 2;
}
