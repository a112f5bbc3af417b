/** Imports a package of this folder, by its name as an application would: loader hooks look at that. */
export const load = (name) => import(name)
