import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { loadCsync2Cfg } from "./csync2cfg/load.ts";
import type { Csync2Cfg } from "./csync2cfg/model.ts";
import { DEFAULT_SETTINGS, loadSettings, type MaxDeleted, type Settings } from "./settings.ts";
import { findSystemDirectory } from "./system-directory.ts";

/** The options of csync2 that csync2rev shares, and where its settings are, as they stand on its command line. */
export interface HostOptions {
  /** -C: the config name; undefined for csync2.cfg itself. */
  readonly config?: string | undefined;
  /** -N: the name that this host goes by in csync2.cfg. */
  readonly hostname?: string | undefined;
  /** -D: a directory or URL, for csync2. */
  readonly database?: string | undefined;
  /** --settings: another file than csync2rev.ini beside csync2.cfg. */
  readonly settings?: string | undefined;
  /** --max-deleted, in place of what csync2rev.ini says. */
  readonly maxDeleted?: MaxDeleted | undefined;
}

/** This host as one config name sees it: what csync2 must be told, and what csync2rev has been. */
export interface ThisHost {
  /** The config name; empty for csync2.cfg itself. */
  readonly config: string;
  readonly hostname: string;
  /** What of it was given by -N or csync2rev.ini, and goes on to csync2; as the database. */
  readonly givenHostname: string | undefined;
  readonly database: string | undefined;
  /** Where csync2.cfg is: CSYNC2_SYSTEM_DIR for every csync2 that is started. */
  readonly systemDirectory: string;
  readonly settings: Settings;
}

/** This host with a csync2.cfg that can be read. */
export interface ConfiguredHost {
  readonly host: ThisHost;
  readonly configuration: Csync2Cfg;
}

/** What csync2rev.ini came to. */
interface OpenedSettings {
  /** The defaults if there is a fault. */
  readonly settings: Settings;
  /** What is wrong with csync2rev.ini: an error `settings`. */
  readonly settingsFault: Error | null;
}

/** A host that knows its groups and their keys. A fault stops it from serving; members can still be told so. */
export interface ReadableHost extends ConfiguredHost, OpenedSettings {
  /** What is wrong with a `#csync2rev` line: an error `directive`. */
  readonly configurationFault: Error | null;
}

/** A host that cannot read its csync2.cfg: it has no keys, and nobody can be authenticated. */
export interface UnreadableHost extends OpenedSettings {
  /** Null if not even the system directory was found. */
  readonly host: ThisHost | null;
  readonly configuration: null;
  /** One of the errors that findSystemDirectory and loadCsync2Cfg throw. */
  readonly configurationFault: Error;
}

export type OpenedHost = ReadableHost | UnreadableHost;

/**
 * The one door to a host's configuration: finds the system directory, reads the settings, then csync2.cfg. Throws nothing: what is
 * wrong is a fault in the result.
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

/** What keeps a host from serving and from asking; null if nothing does. */
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

/** What a csync2 that is run by hand on this host must be told, as options. */
export function optionsFor({ config, givenHostname, database }: ThisHost): HostOptions {
  return { config: config === "" ? undefined : config, hostname: givenHostname, database };
}

/** The csync2.lock of this host, where it exists: csync2 then neither pushes nor takes anything (csync2.c). */
export function csync2Lock({ systemDirectory }: ThisHost): string | null {
  const file = join(systemDirectory, "csync2.lock");
  return existsSync(file) ? file : null;
}
