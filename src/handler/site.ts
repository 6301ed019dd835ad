import { findSystemDirectory } from "../csync2cfg/load.ts";
import type { Csync2Cfg } from "../csync2cfg/model.ts";
import type { Csync2revError } from "../errors.ts";
import { configurationOf, settingsFor, thisHost, type HostOptions, type ThisHost } from "../host.ts";
import { DEFAULT_SETTINGS, type Settings } from "../settings.ts";

/**
 * What the handler knows of its host under one config name. A fault in the settings or in a directive leaves the groups and their
 * keys readable: members can be told `config`. Without a configuration nobody can be authenticated, and so nobody is answered.
 */
export interface LoadedSite {
  readonly settings: Settings;
  readonly host: ThisHost;
  readonly configuration: Csync2Cfg;
  readonly fault: Csync2revError | null;
}

/** A site whose csync2.cfg cannot be read. */
export interface BrokenSite {
  readonly settings: Settings;
  readonly configuration: null;
  readonly fault: unknown;
}

/** Reads csync2rev.ini and csync2.cfg. Throws nothing: what is wrong is the site's fault. */
export function loadSite(options: HostOptions, env: NodeJS.ProcessEnv): LoadedSite | BrokenSite {
  let settings = DEFAULT_SETTINGS;
  let fault: Csync2revError | null = null;
  try {
    const systemDirectory = findSystemDirectory(options.config ?? "", env);
    try {
      settings = settingsFor(options, systemDirectory);
    } catch (error) {
      fault = error as Csync2revError;
    }
    const host = thisHost(options, systemDirectory, settings);
    const configuration = configurationOf(host);
    return { settings, host, configuration, fault: fault ?? configuration.fault };
  } catch (error) {
    return { settings, configuration: null, fault: error };
  }
}
