export async function runCommandLine(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> { return argv.length + Object.keys(env).length; }
