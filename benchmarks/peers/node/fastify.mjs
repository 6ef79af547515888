// fastify + undici, bare: W1, W1b and W4.
import Fastify from 'fastify'
import Ajv from 'ajv'
import { call, fetchJson } from './backends.mjs'
import { screen, wire } from './shapes.mjs'

const app = Fastify({ logger: false })
const ajv = new Ajv()
const checks = Object.fromEntries(Object.entries(wire).map(([service, schema]) => [service, ajv.compile(schema)]))

const parts = () => Promise.all([
  fetchJson('users', '/user'),
  fetchJson('orders', '/orders'),
  fetchJson('restaurants', '/restaurants'),
  fetchJson('recommendations', '/recommendations'),
  fetchJson('notifications', '/notifications'),
])

function checked (service, value) {
  if (!checks[service](value)) throw new Error(`${service}: ${ajv.errorsText(checks[service].errors)}`)
  return value
}

app.get('/w1', async () => {
  const [user, orders, restaurants, recommendations, notifications] = await parts()
  return { user, orders, restaurants, recommendations, notifications }
})

app.get('/w1b', { schema: { response: { 200: screen } } }, async () => {
  const [user, orders, restaurants, recommendations, notifications] = await parts()
  checked('users', user)
  return {
    viewer: { name: user.name, tier: user.tier, points: user.points, avatar: user.avatarUrl, city: user.address.city },
    lastOrders: checked('orders', orders).map(o => ({
      id: o.id, restaurant: o.restaurantName, status: o.status, at: o.placedAt, total: o.total, currency: o.currency,
    })),
    nearby: checked('restaurants', restaurants).map(r => ({
      id: r.id, name: r.name, cuisine: r.cuisine, rating: r.rating, minutes: r.deliveryMinutes, fee: r.deliveryFee,
      open: r.open, image: r.imageUrl,
    })),
    picks: checked('recommendations', recommendations).map(d => ({
      id: d.id, title: d.title, place: d.restaurantName, price: d.price, currency: d.currency, image: d.imageUrl,
    })),
    inbox: checked('notifications', notifications).map(n => ({ id: n.id, title: n.title, at: n.sentAt, read: n.read })),
  }
})

app.get('/w4', async (request, reply) => {
  const body = await call('orders', '/orders')
  reply.type('application/json')
  return Buffer.from(await body.arrayBuffer())
})

await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
