export type Superserver = "inetd" | "xinetd" | "systemd";

/** A program that is started for each connection to a port. */
export interface Service {
  /** As in /etc/services, which every host has with csync2 and csync2rev in it. */
  readonly name: string;
  readonly port: number;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A piece of inetd.conf, or a file of xinetd.d, as it is. */
export interface ServiceText {
  readonly text: string;
  /** What a file of xinetd.d is called; by default as the port. */
  readonly name?: string;
  /** What to wait for, for the text is not looked into. */
  readonly port: number;
}

export const csync2: Service = { name: "csync2", port: 30865, command: ["/usr/sbin/csync2", "-i"] };
export const csync2rev: Service = { name: "csync2rev", port: 30866, command: ["/usr/sbin/csync2rev", "-i"] };

/**
 * xinetd calls setgroups(2) before it starts a program, which a user namespace that an ordinary user made forbids.
 * This makes it a call without effect, for xinetd itself and not for what it starts.
 */
export const WITHOUT_SETGROUPS: Readonly<Record<string, string>> = {
  LD_PRELOAD: "libuid_wrapper.so",
  UID_WRAPPER: "1",
  UID_WRAPPER_ROOT: "1",
};

interface Configuration {
  readonly files: Readonly<Record<string, string>>;
  readonly commands: readonly (readonly string[])[];
}

/** What a superserver is to be given, and the commands that start it, for these services. */
export function configure(kind: Superserver, services: readonly (Service | ServiceText)[]): Configuration {
  switch (kind) {
    case "inetd":
      return {
        files: { "/etc/inetd.conf": services.map((service) => inetdLine(service) + "\n").join("") },
        commands: [["/usr/sbin/inetd", "-i", "/etc/inetd.conf"]],
      };
    case "xinetd":
      return {
        files: {
          "/etc/xinetd.conf": "defaults\n{\n  passenv = PATH\n}\n\nincludedir /etc/xinetd.d\n",
          ...Object.fromEntries(services.map((service) => [xinetdName(service), xinetdFile(service)])),
        },
        commands: [["/usr/sbin/xinetd", "-dontfork", "-f", "/etc/xinetd.conf"]],
      };
    case "systemd":
      return { files: {}, commands: services.map(systemdCommand) };
  }
}

function inetdLine(service: Service | ServiceText): string {
  if ("text" in service) return service.text;
  const [program = "", ...args] = service.env
    ? ["/usr/bin/env", ...assignments(service.env), ...service.command]
    : service.command;
  // inetd switches off a service that is asked for more often than this in a minute.
  return `${service.name} stream tcp nowait.1000 root ${program} ${[program.split("/").at(-1), ...args].join(" ")}`;
}

function xinetdName(service: Service | ServiceText): string {
  return `/etc/xinetd.d/${service.name ?? service.port}`;
}

function xinetdFile(service: Service | ServiceText): string {
  if ("text" in service) return `${service.text}\n`;
  const [program = "", ...args] = service.command;
  return [
    `service ${service.name}`,
    "{",
    "  socket_type = stream",
    "  protocol = tcp",
    "  wait = no",
    "  user = root",
    `  server = ${program}`,
    ...(args.length > 0 ? [`  server_args = ${args.join(" ")}`] : []),
    ...(service.env ? [`  env = ${assignments(service.env).join(" ")}`] : []),
    "}",
    "",
  ].join("\n");
}

function systemdCommand(service: Service | ServiceText): readonly string[] {
  if ("text" in service) throw new Error("systemd-socket-activate takes commands, no text");
  const env = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...service.env };
  const setenv = assignments(env).map((assignment) => `--setenv=${assignment}`);
  return [
    "systemd-socket-activate",
    "--inetd",
    "--accept",
    `--listen=${service.port}`,
    ...setenv,
    ...service.command,
  ];
}

function assignments(env: Readonly<Record<string, string>>): string[] {
  return Object.entries(env).map(([name, value]) => `${name}=${value}`);
}
