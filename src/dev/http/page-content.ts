import { fileURLToPath } from 'node:url'
import { listFolder, type ListPage } from './page-folder.js'

/**
 * The page as `npm run page` built it. The build of the package puts a module in the place of this one that holds the files
 * themselves: in a bundle there is no folder beside the code.
 */
export const listPage: ListPage = () => listFolder(fileURLToPath(new URL('../../../dist/page', import.meta.url)))
