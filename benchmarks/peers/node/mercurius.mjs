// mercurius with its jit + undici: W2, and W3 with a loader for the authors.
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { fetchJson } from './backends.mjs'

const schema = `
  type Address { street: String! city: String! postcode: String! latitude: Float! longitude: Float! }
  type User { id: ID! name: String! email: String! phone: String! tier: String! points: Int! address: Address! }
  type Order { id: ID! restaurantName: String! status: String! total: Int! currency: String! }
  type Restaurant {
    id: ID! name: String! cuisine: String! rating: Float! deliveryMinutes: Int! deliveryFee: Int! open: Boolean! imageUrl: String!
  }
  type Recommendation { id: ID! title: String! price: Int! imageUrl: String! }
  type Notification { id: ID! title: String! body: String! read: Boolean! }
  type Person { id: ID! name: String! }
  type Post { id: ID! title: String! user: Person! }
  type Query {
    user: User!
    orders: [Order!]!
    restaurants: [Restaurant!]!
    recommendations: [Recommendation!]!
    notifications: [Notification!]!
    posts: [Post!]!
  }
`

const resolvers = {
  Query: {
    user: () => fetchJson('users', '/user'),
    orders: () => fetchJson('orders', '/orders'),
    restaurants: () => fetchJson('restaurants', '/restaurants'),
    recommendations: () => fetchJson('recommendations', '/recommendations'),
    notifications: () => fetchJson('notifications', '/notifications'),
    posts: () => fetchJson('posts', '/posts'),
  },
}

const loaders = {
  Post: {
    async user (queries) {
      const ids = [...new Set(queries.map(({ obj }) => obj.userId))]
      const people = await fetchJson('people', `/users?${ids.map(id => `id=${id}`).join('&')}`)
      const byId = new Map(people.map(person => [person.id, person]))
      return queries.map(({ obj }) => byId.get(obj.userId))
    },
  },
}

const app = Fastify({ logger: false })
app.register(mercurius, { schema, resolvers, loaders, jit: 1 })
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
