import { render } from 'preact'
import './styles/app.css'
import { App } from './app.js'
import { openLive } from './model/live.js'
import { applyTheme, readTheme } from './model/settings.js'

applyTheme(readTheme())
openLive()
const host = document.getElementById('app')
if (host) render(<App />, host)
