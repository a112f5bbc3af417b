// The same application in each framework: middleware before and after `enter`, in which a tenant may be chosen, and one route.

const defaultOf = (loaded) => loaded.default ?? loaded

const applications = {
  async http({ load, enter, work }) {
    const { createServer } = await load('node:http')
    return createServer((request, response) =>
      enter(request, response, async () => {
        try {
          response.end(JSON.stringify(await work(request)))
        } catch {
          response.writeHead(500).end()
        }
      }),
    )
  },

  async express({ load, enter, work }) {
    const express = defaultOf(await load('express'))
    const app = express()
    app.use(function before(_request, _response, next) {
      next()
    })
    app.use(function choose(request, response, next) {
      enter(request, response, next)
    })
    app.use(async function after(_request, _response, next) {
      await null
      next()
    })
    app.get('/work', async function handler(request, response) {
      response.json(await work(request))
    })
    return (await load('node:http')).createServer(app)
  },

  async koa({ load, enter, work }) {
    const Koa = defaultOf(await load('koa'))
    const { Router } = await load('@koa/router')
    const app = new Koa()
    app.silent = true
    app.use(async function before(_context, next) {
      await next()
    })
    app.use(function choose({ req, res }, next) {
      return new Promise((resolve, reject) => enter(req, res, () => next().then(resolve, reject)))
    })
    app.use(async function after(_context, next) {
      await null
      await next()
    })
    const router = new Router()
    router.get('/work', async function handler(context) {
      context.body = await work(context.req)
    })
    app.use(router.routes())
    return (await load('node:http')).createServer(app.callback())
  },

  async fastify({ load, enter, work, instrumentations }) {
    const fastify = defaultOf(await load('fastify'))
    const app = fastify()
    await app.register(instrumentations.fastify.plugin())
    app.addHook('onRequest', function before(_request, _reply, done) {
      done()
    })
    app.addHook('onRequest', function choose(request, reply, done) {
      enter(request.raw, reply.raw, done, { request, reply })
    })
    app.addHook('preHandler', async function after() {
      await null
    })
    app.get('/work', async function handler(request) {
      return await work(request.raw)
    })
    await app.ready()
    return app.server
  },

  async nest({ load, enter, work }) {
    await load('reflect-metadata')
    const { Controller, Get, Injectable, Module, Req } = await load('@nestjs/common')
    const { NestFactory } = await load('@nestjs/core')
    class Guard {
      canActivate() {
        return true
      }
    }
    class Work {
      handler(request) {
        return work(request)
      }
    }
    class App {}
    // What decorators do, which plain JavaScript does not have.
    Injectable()(Guard)
    Req()(Work.prototype, 'handler', 0)
    Get('/work')(Work.prototype, 'handler', Object.getOwnPropertyDescriptor(Work.prototype, 'handler'))
    Controller()(Work)
    Module({ controllers: [Work] })(App)
    const app = await NestFactory.create(App, { logger: false })
    app.use(function choose(request, response, next) {
      enter(request, response, next)
    })
    app.useGlobalGuards(new Guard())
    await app.init()
    return app.getHttpServer()
  },
}

/** Starts the application of `framework` on a free port. */
export async function startApplication(framework, parts) {
  const server = await applications[framework](parts)
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve)
        server.closeAllConnections()
      }),
  }
}
