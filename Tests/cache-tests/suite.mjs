// Runs http-tests/cache-tests from a checkout, whose name is the first argument: its origin here, its client against the gateway.
//
// Standard output has the origin's port as its first line, then the results as JSON. Standard input names the gateway's origin.
// The suite asks for /test/ID. The gateway keeps what the Hub's API says of a repository, so it is asked for /api/models/test/ID.

import http from 'node:http'
import path from 'node:path'
import readline from 'node:readline'
import { pathToFileURL } from 'node:url'

const checkout = path.resolve(process.argv[2])
const from = name => import(pathToFileURL(path.join(checkout, name)))
const BELOW = '/api/models'

const [{ default: config }, { default: state }, { default: test }] = await Promise.all(
  ['config', 'state', 'test'].map(name => from(`test-engine/server/handle-${name}.mjs`)))
const handlers = { config, state, test }

const origin = http.createServer((request, response) => {
  const { pathname } = new URL(request.url.replace(BELOW, ''), 'http://origin')
  const [, kind, ...rest] = pathname.split('/')
  if (kind in handlers) return handlers[kind](rest, request, response)
  response.writeHead(404).end()
})
await new Promise(resolve => origin.listen(0, '127.0.0.1', resolve))
const direct = `http://127.0.0.1:${origin.address().port}`
console.log(origin.address().port)

const [gateway] = await readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]().next().then(line => [line.value])
const base = gateway + BELOW

// What a test tells the origin, and asks it, is none of the gateway's affair: a PUT would be a change that drops what is kept.
const send = globalThis.fetch
globalThis.fetch = (url, options) => send(url.startsWith(`${base}/test/`) ? url : url.replace(gateway, direct), options)

const { runTests, getResults } = await from('test-engine/client/runner.mjs')
const { determineTestResult, resultTypes } = await from('test-engine/lib/results.mjs')
const { default: suites } = await from('tests/index.mjs')

// One at a time: a change of which the gateway does not know what it is drops all that is kept.
const changing = suites.filter(suite => suite.id === 'invalidation')
await runTests(suites.filter(suite => !changing.includes(suite)), false, base, 20)
await runTests(changing, false, base, 1)

const results = getResults()
const names = new Map(Object.entries(resultTypes).map(([name, type]) => [type, name]))
const found = {}
for (const suite of suites) {
  for (const one of suite.tests) {
    if (one.browser_only || !(one.id in results)) continue
    const result = results[one.id]
    found[one.id] = {
      kind: one.kind ?? 'required', result: names.get(determineTestResult(suites, one.id, results, false)),
      why: result === true ? '' : result[1], name: one.name
    }
  }
}
console.log(JSON.stringify(found))
process.exit(0)
