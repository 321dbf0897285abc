"""How each of the releases writes a thread's beginning, its turns and its compactions."""

from made_up_threads import (
    ADDED,
    INSTRUCTIONS,
    WINDOW,
    Counted,
    Thread,
    message,
    stamp,
    tokens,
)

GIT = '"git":{"commit_hash":"9e1105e216af8af58860181446a58b56e70f9278","branch":"main"}'
CONTEXT = (
    "<environment_context>\\n  <cwd>/home/me</cwd>\\n  <shell>bash</shell>\\n</environment_context>"
)


def within_json(text: str) -> str:
    """Text in JSON that stands as a string in JSON."""
    return text.replace("\\n", "\\\\n").replace('\\"', '\\\\\\"')


class In020(Thread):
    """No envelope, no times, no usage."""

    VERSION = "0.20.0"

    @property
    def counted(self) -> Counted:
        return Counted(self.turns, 0, 0)

    def begin(self) -> None:
        self.lines.append(
            f'{{"id":"{self.id}","timestamp":"{stamp(self.ms)}","instructions":null,{GIT}}}'
        )

    def take_turn(self, responses: int) -> None:
        self.turns += 1
        self.lines.append(message("user", self.texts.about(300)))
        for _ in range(responses):
            call, command = self.call()
            self.lines += [
                '{"record_type":"state"}',
                (
                    f'{{"type":"reasoning","id":"rs_{self.hexes(24)}","summary":[{{"type":"summary_text",'
                    f'"text":"{self.texts.of(80)}"}}],"encrypted_content":"{self.texts.sealed(1_500)}"}}'
                ),
                (
                    f'{{"type":"function_call","id":"fc_{self.hexes(24)}","name":"shell","arguments":'
                    f'"{{\\"command\\": [\\"bash\\", \\"-lc\\", \\"{command}\\"]}}","call_id":"{call}"}}'
                ),
                (
                    f'{{"type":"function_call_output","call_id":"{call}","output":"{{\\"output\\":\\"'
                    f'{within_json(self.texts.about(1_500))}\\",\\"metadata\\":{{\\"exit_code\\":0,'
                    '\\"duration_seconds\\":0.2}}"}'
                ),
            ]
        self.lines.append(message("assistant", self.texts.about(500)))


class In063(Thread):
    """Turns begin with their prompts; a context before each response."""

    VERSION = "0.63.0"

    def begin(self) -> None:
        self.write(
            "session_meta",
            f'{{"id":"{self.id}","timestamp":"{stamp(self.ms)}","cwd":"{self.cwd}","originator":'
            f'"codex_cli_rs","cli_version":"{self.VERSION}","instructions":"{self.texts.of(1_200)}",'
            f'"source":"cli","model_provider":"openai",{GIT}}}',
            after=40,
        )
        self.item(message("user", CONTEXT))

    def context(self) -> None:
        self.write(
            "turn_context",
            f'{{"cwd":"{self.cwd}","approval_policy":"on-request","sandbox_policy":{{"type":'
            '"workspace-write","network_access":false,"exclude_tmpdir_env_var":false,'
            '"exclude_slash_tmp":false},"model":"gpt-5.1-codex","effort":"medium","summary":"auto"}',
        )
        self.counts()

    def take_turn(self, responses: int) -> None:
        self.ms += self.chance.randrange(5_000, 400_000)
        self.turns += 1
        prompt = self.texts.about(300)
        self.item(message("user", prompt))
        self.event(f'{{"type":"user_message","message":"{prompt}","images":[]}}', after=0)
        for n in range(responses):
            self.context()
            self.used()
            self.reason()
            if n == responses - 1 or n % 4 == 0:
                said = self.texts.about(500)
                self.event(f'{{"type":"agent_message","message":"{said}"}}')
                self.item(message("assistant", said))
            self.counts()
            if n < responses - 1:
                self.run()

    def reason(self) -> None:
        said = self.texts.about(120)
        self.event(f'{{"type":"agent_reasoning","text":"{said}"}}')
        self.item(
            f'{{"type":"reasoning","summary":[{{"type":"summary_text","text":"{said}"}}],'
            f'"content":null,"encrypted_content":"{self.texts.sealed(1_800)}"}}'
        )

    def run(self) -> None:
        call, command = self.call()
        self.item(
            '{"type":"function_call","name":"shell_command","arguments":'
            f'"{{\\"command\\": \\"{command}\\", \\"timeout_ms\\": 60000}}","call_id":"{call}"}}'
        )
        self.item(
            f'{{"type":"function_call_output","call_id":"{call}","output":"Exit code: 0\\nWall time: '
            f'0.3 seconds\\nOutput:\\n{self.texts.about(2_500)}"}}',
            after=0,
        )

    def compact(self) -> None:
        self.ms += 30_000
        self.write("compacted", f'{{"message":"{self.texts.of(6_000)}"}}')
        self.event('{"type":"context_compacted"}')
        self.last = (9_000, 0, 0, 0)


class In125(In063):
    """Turns have ids and ends; forks copy their parent's lines."""

    VERSION = "0.125.0"
    parent: Thread | None = None

    def begin(self) -> None:
        forked = f'"forked_from_id":"{self.parent.id}",' if self.parent is not None else ""
        self.write(
            "session_meta",
            f'{{"id":"{self.id}",{forked}"timestamp":"{stamp(self.ms)}","cwd":"{self.cwd}",'
            f'"originator":"codex_vscode","cli_version":"{self.VERSION}","source":"vscode",'
            f'"model_provider":"openai","base_instructions":{{"text":"{self.texts.of(INSTRUCTIONS)}"}},'
            f"{GIT}}}",
            after=60,
        )
        if self.parent is not None:
            self.copied_from(self.parent)

    def start(self) -> None:
        self.ms += self.chance.randrange(5_000, 400_000)
        self.turns += 1
        self.begun, self.turn = self.ms, self.uuid(self.ms)
        self.event(
            f'{{"type":"task_started","turn_id":"{self.turn}","started_at":{self.ms // 1000},'
            f'"model_context_window":{WINDOW},"collaboration_mode_kind":"default"}}'
        )

    def take_turn(self, responses: int) -> None:
        self.start()
        if self.turns == 1 and self.parent is None:
            self.item(message("developer", self.texts.of(ADDED)))
            self.item(message("user", CONTEXT))
        self.write(
            "turn_context",
            f'{{"turn_id":"{self.turn}","cwd":"{self.cwd}","current_date":"2026-04-23","timezone":'
            '"Etc/UTC","approval_policy":"on-request","sandbox_policy":{"type":"workspace-write",'
            '"network_access":false},"model":"gpt-5.5","personality":"pragmatic","collaboration_mode":'
            '{"mode":"default","settings":{"model":"gpt-5.5","reasoning_effort":null,'
            '"developer_instructions":null}},"realtime_active":false,"effort":"high","summary":"auto",'
            '"truncation_policy":{"mode":"tokens","limit":10000}}',
        )
        prompt = self.texts.about(300)
        self.item(message("user", prompt))
        self.event(
            f'{{"type":"user_message","message":"{prompt}","images":[],"local_images":[],'
            '"text_elements":[]}',
            after=0,
        )
        self.counts()
        for n in range(responses):
            last = n == responses - 1
            self.used()
            self.reason()
            if last or n % 4 == 0:
                said, phase = self.texts.about(500), "final_answer" if last else "commentary"
                self.event(f'{{"type":"agent_message","message":"{said}","phase":"{phase}"}}')
                self.item(message("assistant", said, f',"phase":"{phase}"'))
            if not last:
                self.run()
            self.counts()
            if not last:
                self.counts()
        self.end(self.texts.about(500))

    def end(self, said: str) -> None:
        self.event(
            f'{{"type":"task_complete","turn_id":"{self.turn}","last_agent_message":"{said}",'
            f'"completed_at":{self.ms // 1000},"duration_ms":{self.ms - self.begun},'
            '"time_to_first_token_ms":1200}'
        )

    def run(self) -> None:
        call, command = self.call()
        if self.chance.random() < 0.15:
            patch = self.texts.about(1_200)
            self.item(
                f'{{"type":"custom_tool_call","status":"completed","call_id":"{call}","name":'
                f'"apply_patch","input":"*** Begin Patch\\n*** Add File: new.py\\n{patch}"}}'
            )
            self.item(
                f'{{"type":"custom_tool_call_output","call_id":"{call}","output":"{{\\"output\\":'
                '\\"Success.\\",\\"metadata\\":{\\"exit_code\\":0,\\"duration_seconds\\":0.1}}"}',
                after=12,
            )
            return
        self.item(
            '{"type":"function_call","name":"exec_command","arguments":'
            f'"{{\\"cmd\\": \\"{command}\\", \\"yield_time_ms\\": 30000}}","call_id":"{call}"}}'
        )
        self.item(
            f'{{"type":"function_call_output","call_id":"{call}","output":"Chunk ID: {self.hexes(6)}\\n'
            "Wall time: 0.2000 seconds\\nProcess exited with code 0\\nOriginal token count: 700\\n"
            f'Output:\\n{self.texts.about(2_500)}"}}',
            after=self.chance.randrange(20, 900),
        )

    def compact(self) -> None:
        """In a turn of its own; what it used itself isn't told, only how much is left, by estimate."""
        self.start()
        self.write(
            "compacted",
            f'{{"message":"{self.texts.of(6_000)}","replacement_history":{self.history()}}}',
            after=20_000,
        )
        self.event('{"type":"context_compacted"}')
        self.event(
            f'{{"type":"token_count","info":{{"total_token_usage":{tokens(self.total)},'
            '"last_token_usage":{"input_tokens":0,"cached_input_tokens":0,"output_tokens":0,'
            f'"reasoning_output_tokens":0,"total_tokens":9000}},"model_context_window":{WINDOW}}},'
            f'"rate_limits":{{{self.limits()}}}}}'
        )
        self.end("")
        self.last = (9_000, 0, 0, 0)
