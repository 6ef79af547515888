// W1b as JSON Schemas: what the backends must send (checked by ajv) and the screen (written by fast-json-stringify).
const text = { type: 'string' }
const whole = { type: 'integer' }
const number = { type: 'number' }
const flag = { type: 'boolean' }

const object = properties => ({ type: 'object', properties, required: Object.keys(properties) })
const list = properties => ({ type: 'array', items: object(properties) })

export const wire = {
  users: object({ name: text, tier: text, points: whole, avatarUrl: text, address: object({ city: text }) }),
  orders: list({ id: text, restaurantName: text, status: text, placedAt: text, total: whole, currency: text }),
  restaurants: list({
    id: text, name: text, cuisine: text, rating: number, deliveryMinutes: whole, deliveryFee: whole, open: flag, imageUrl: text,
  }),
  recommendations: list({ id: text, title: text, restaurantName: text, price: whole, currency: text, imageUrl: text }),
  notifications: list({ id: text, title: text, sentAt: text, read: flag }),
}

export const screen = object({
  viewer: object({ name: text, tier: text, points: whole, avatar: text, city: text }),
  lastOrders: list({ id: text, restaurant: text, status: text, at: text, total: whole, currency: text }),
  nearby: list({ id: text, name: text, cuisine: text, rating: number, minutes: whole, fee: whole, open: flag, image: text }),
  picks: list({ id: text, title: text, place: text, price: whole, currency: text, image: text }),
  inbox: list({ id: text, title: text, at: text, read: flag }),
})
