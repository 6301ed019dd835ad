import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { loadCsync2Cfg } from "./csync2cfg/load.ts";
import type { Csync2Cfg } from "./csync2cfg/model.ts";
import { loadSettings, type Settings } from "./settings.ts";

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
}

/** This host as one config name sees it: what csync2 must be told, and what csync2rev has been. */
export interface ThisHost {
  /** The config name; empty for csync2.cfg itself. */
  readonly config: string;
  readonly hostname: string;
  /** What of it was given by -N, and goes on to csync2. */
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

/** Puts together what is known of this host. */
export function thisHost(options: HostOptions, systemDirectory: string, settings: Settings): ThisHost {
  return {
    config: options.config ?? "",
    hostname: options.hostname ?? hostname(),
    givenHostname: options.hostname,
    database: options.database,
    systemDirectory,
    settings,
  };
}

/** The csync2.lock of this host, where it exists: csync2 then neither pushes nor takes anything (csync2.c). */
export function csync2Lock({ systemDirectory }: ThisHost): string | null {
  const file = join(systemDirectory, "csync2.lock");
  return existsSync(file) ? file : null;
}

/** The settings beside csync2.cfg, or those that --settings names. Throws `settings`. */
export function settingsFor(options: HostOptions, systemDirectory: string): Settings {
  return options.settings === undefined
    ? loadSettings(join(systemDirectory, "csync2rev.ini"), false)
    : loadSettings(options.settings, true);
}

/** What csync2.cfg says from this host's point of view. Throws what loadCsync2Cfg throws. */
export function configurationOf(host: ThisHost): Csync2Cfg {
  return loadCsync2Cfg({
    systemDirectory: host.systemDirectory,
    configName: host.config,
    hostname: host.hostname,
  });
}
