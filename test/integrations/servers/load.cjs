/** Requires a package of this folder, as an application would. */
exports.load = async (name) => require(name)
