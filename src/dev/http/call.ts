import type { HttpBindings } from '@hono/node-server'
import type { Context, Hono } from 'hono'

/** One request on its way to an answer. */
export type Call = Context<{ Bindings: HttpBindings }>

/** Where routes are put. */
export type App = Hono<{ Bindings: HttpBindings }>
