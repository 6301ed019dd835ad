import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { loadCsync2Cfg } from "./csync2cfg/load.ts";
import type { Csync2Cfg } from "./csync2cfg/model.ts";
import { DEFAULT_SETTINGS, loadSettings, type MaxDeleted, type Settings } from "./settings.ts";
import { findSystemDirectory } from "./system-directory.ts";

/** csync2rev's options that describe this host, as given on the command line: csync2's own, and those for the settings. */
export interface HostOptions {
  /** -C: the config name; undefined for csync2.cfg itself. */
  readonly config?: string | undefined;
  /** -N: this host's name in csync2.cfg. */
  readonly hostname?: string | undefined;
  /** -D: a directory or URL, for csync2. */
  readonly database?: string | undefined;
  /** --settings: a file to read in place of csync2rev.ini beside csync2.cfg. */
  readonly settings?: string | undefined;
  /** --max-deleted: replaces the value in csync2rev.ini. */
  readonly maxDeleted?: MaxDeleted | undefined;
}

/** This host for one config name: what csync2 must be told, and csync2rev's own settings. */
export interface ThisHost {
  /** The config name; empty for csync2.cfg itself. */
  readonly config: string;
  readonly hostname: string;
  /** The hostname if -N or csync2rev.ini has it: it is passed to csync2. */
  readonly givenHostname: string | undefined;
  /** The database if -D or csync2rev.ini has it: it is passed to csync2. */
  readonly database: string | undefined;
  /** The directory of csync2.cfg. Every csync2 that is started gets it as CSYNC2_SYSTEM_DIR. */
  readonly systemDirectory: string;
  readonly settings: Settings;
}

/** This host with a csync2.cfg that can be read. */
export interface ConfiguredHost {
  readonly host: ThisHost;
  readonly configuration: Csync2Cfg;
}

/** The settings of csync2rev.ini, or what is wrong with it. */
interface OpenedSettings {
  /** The defaults if there is a fault. */
  readonly settings: Settings;
  /** What is wrong with csync2rev.ini: an error `settings`. */
  readonly settingsFault: Error | null;
}

/** A host that knows its groups and their keys. A fault stops it from serving, but it can still tell members so. */
export interface ReadableHost extends ConfiguredHost, OpenedSettings {
  /** What is wrong with a `#csync2rev` line: an error `directive`. */
  readonly configurationFault: Error | null;
}

/** A host that cannot read its csync2.cfg. It has no keys, so it cannot authenticate anybody. */
export interface UnreadableHost extends OpenedSettings {
  /** Null if not even the system directory was found. */
  readonly host: ThisHost | null;
  readonly configuration: null;
  /** One of the errors that findSystemDirectory and loadCsync2Cfg throw. */
  readonly configurationFault: Error;
}

export type OpenedHost = ReadableHost | UnreadableHost;

/**
 * The only way to a host's configuration: finds the system directory, reads the settings, then csync2.cfg. Throws nothing: an error is
 * a fault in the result.
 */
export function openHost(options: HostOptions, env: NodeJS.ProcessEnv): OpenedHost {
  let opened: OpenedSettings = { settings: DEFAULT_SETTINGS, settingsFault: null };
  let host: ThisHost | null = null;
  try {
    const systemDirectory = findSystemDirectory(options.config ?? "", env);
    opened = openSettings(options, systemDirectory);
    host = thisHost(options, systemDirectory, opened.settings);
    const { hostname: name, config: configName } = host;
    const configuration = loadCsync2Cfg({ systemDirectory, configName, hostname: name });
    return { ...opened, host, configuration, configurationFault: configuration.fault };
  } catch (error) {
    return { ...opened, host, configuration: null, configurationFault: error as Error };
  }
}

/** The fault that stops a host from serving and from asking. Null if there is none. */
export function firstFault({ settingsFault, configurationFault }: OpenedHost): Error | null {
  return settingsFault ?? configurationFault;
}

/** The settings beside csync2.cfg, or those that --settings names. */
function openSettings({ settings, maxDeleted }: HostOptions, systemDirectory: string): OpenedSettings {
  try {
    const found =
      settings === undefined
        ? loadSettings(join(systemDirectory, "csync2rev.ini"), false)
        : loadSettings(settings, true);
    return { settings: { ...found, maxDeleted: maxDeleted ?? found.maxDeleted }, settingsFault: null };
  } catch (error) {
    return { settings: DEFAULT_SETTINGS, settingsFault: error as Error };
  }
}

function thisHost(options: HostOptions, systemDirectory: string, settings: Settings): ThisHost {
  const chosen = (value: string): string | undefined => (value === "" ? undefined : value);
  const givenHostname = options.hostname ?? chosen(settings.hostname);
  return {
    config: options.config ?? "",
    hostname: givenHostname ?? hostname(),
    givenHostname,
    database: options.database ?? chosen(settings.database),
    systemDirectory,
    settings,
  };
}

/** The options that a command needs if an administrator runs it by hand on this host. */
export function optionsFor({ config, givenHostname, database }: ThisHost): HostOptions {
  return { config: config === "" ? undefined : config, hostname: givenHostname, database };
}

/** The path of this host's csync2.lock, or null if there is none. While it exists, csync2 neither pushes nor accepts files (csync2.c). */
export function csync2Lock({ systemDirectory }: ThisHost): string | null {
  const file = join(systemDirectory, "csync2.lock");
  return existsSync(file) ? file : null;
}
