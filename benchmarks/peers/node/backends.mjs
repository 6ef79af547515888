// The stub backends by undici, one pool each; their origins come from the harness in $STUBS.
import { Pool } from 'undici'

const pools = Object.fromEntries(
  Object.entries(JSON.parse(process.env.STUBS)).map(([service, origin]) => [service, new Pool(origin)]),
)

export async function call (service, path) {
  const answer = await pools[service].request({ method: 'GET', path })
  if (answer.statusCode !== 200) {
    await answer.body.dump()
    throw new Error(`${service} answered ${answer.statusCode}`)
  }
  return answer.body
}

export const fetchJson = async (service, path) => (await call(service, path)).json()
