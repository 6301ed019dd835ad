import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Cluster, groupOf, type Host, startCluster } from "./cluster/cluster.ts";

const CFG =
  groupOf(["h1", "h2", "web-4", "(h5)"]) +
  `group storage { host h1 store; key /etc/csync2.key; include /srv/store; }
group elsewhere { host other another; key /etc/csync2.key; include /srv/other; }
group odd { host h1 "$(touch_/tmp/ran)"; key /etc/csync2.key; include /srv/odd; }
`;

/** What is typed before the tabulator, and what the shell makes of it. */
const LINES: readonly (readonly [typed: string, completed: string])[] = [
  ["--recon", "--reconcile"],
  ["--others -P we", "--others -P web-4"],
  ["--others --peer=h2,we", "--others --peer=h2,web-4"],
  ["-T -G st", "-T -G storage"],
  ["--completion b", "--completion bash"],
];

describe("the shell completes", () => {
  let cluster: Cluster;
  let h1: Host;
  before(async () => {
    cluster = await startCluster({ hosts: ["h1"], cfg: CFG, packages: ["zsh", "fish"] });
    h1 = cluster.host("h1");
    for (const shell of ["bash", "zsh", "fish"])
      await h1.shell(`csync2rev --completion ${shell} >/root/${shell}`);
  });
  after(() => cluster.close());

  /** In bash: all that can come next, in place of the last word. */
  const inBash = async (...words: readonly string[]): Promise<string[]> => {
    const script = `. /root/bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _csync2rev csync2rev; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await h1.run(["bash", "-c", script, "bash", "csync2rev", ...words]);
    return stdout.trim().split("\n");
  };

  /** In zsh: the line after the tabulator. */
  const inZsh = async (typed: string): Promise<string> => {
    h1.write("/root/type.zsh", ZSH);
    const { stdout } = await h1.run(["zsh", "-f", "/root/type.zsh", typed], { env: { TERM: "dumb" } });
    // A comma behind a name of a list goes by itself once a blank is typed.
    return stdout.trim().replace(/,$/, "");
  };

  test("bash, options and names", async () => {
    assert.deepEqual(await inBash("--recon"), ["--reconcile"]);
    assert.deepEqual(await inBash("--others", "-P", ""), ["h2", "web-4", "store"]);
    assert.deepEqual(await inBash("--others", "--peer", "=", "h2,we"), ["h2,web-4"]);
    assert.deepEqual(await inBash("-T", "-G", ""), ["cluster", "storage", "odd"]);
    assert.deepEqual(await inBash("--completion", ""), ["bash", "zsh", "fish"]);
    assert.deepEqual(await inBash("-P", "h2", "-C", ""), [""]);
  });

  for (const [typed, completed] of LINES) {
    test(`zsh, ${typed}`, async () => {
      assert.equal(await inZsh(`csync2rev ${typed}`), `csync2rev ${completed}`);
    });
    test(`fish, ${typed}`, async () => {
      const script = `source /root/fish; complete -C "csync2rev ${typed}"`;
      const { stdout } = await h1.run(["fish", "--no-config", "-c", script]);
      assert.deepEqual(stdout.match(/^\S+/gm), [completed.replace(/.* /, "")]);
    });
  }

  test("with the names of the csync2.cfg that the line names, and of none that cannot be read", async () => {
    h1.write("/etc/csync2_two.cfg", groupOf(["h1", "two-2"]), 0o600);
    h1.write("/etc/csync2_bad.cfg", "group {", 0o600);
    assert.deepEqual(await inBash("-C", "two", "-P", ""), ["two-2"]);
    assert.deepEqual(await inBash("--config", "=", "two", "-P", ""), ["two-2"]);
    assert.deepEqual(await inBash("-C", "bad", "-P", ""), [""]);
  });

  test("options without a start of csync2rev", async () => {
    h1.write("/root/bin/csync2rev", "#!/bin/sh\ntouch /root/started\n", 0o755);
    const complete = ". /root/bash; COMP_WORDS=(csync2rev --recon); COMP_CWORD=1; _csync2rev csync2rev";
    const line = `PATH=/root/bin:$PATH; ${complete}; echo "$COMPREPLY"; ls /root`;
    const { stdout } = await h1.run(["bash", "-c", line]);
    assert.match(stdout, /^--reconcile\n/);
    assert.doesNotMatch(stdout, /^started$/m);
  });
});

/** A terminal with a zsh in it, to which a line and a tabulator are typed. */
const ZSH = String.raw`
zmodload zsh/zpty
zpty terminal zsh -f -i
zpty -w terminal 'PS1=; stty -echo; autoload -U compinit; compinit -u -D; source /root/zsh; say() { print -r -- "$BUFFER" >/root/completed; }; zle -N say; bindkey ^O say; print REA""DY'
zpty -r terminal line '*READY*'
rm -f /root/completed
zpty -w -n terminal "$1"$'\t\x0f'
for try in {1..100}; do
  [[ -s /root/completed ]] && break
  sleep 0.05
done
cat /root/completed
zpty -d terminal
`;
