"""How 0.169 writes a thread: items with their times, a record of each response, nothing copied."""

from made_up_releases import CONTEXT, GIT
from made_up_threads import ADDED, INSTRUCTIONS, WINDOW, Thread, message, stamp, tokens

MODEL = "gpt-5.5"
NOBODY = '"client_authored":false'


class In169(Thread):
    """`parent`: of a fork, or of a subagent's thread."""

    VERSION = "0.169.0"
    parent: Thread | None = None
    subagent = False
    root = ""
    root_turn = ""
    ordinal = 0
    sequence = 0

    def write(self, kind: str, payload: str, after: int = 2, rest: str = "") -> None:
        self.ms += after
        self.lines.append(
            f'{{"timestamp":"{stamp(self.ms)}","ordinal":{self.ordinal},"type":"{kind}",'
            f'"payload":{payload}{rest}}}'
        )
        self.ordinal += 1

    def item(self, payload: str, after: int = 2) -> None:
        """With what each item has at its end."""
        self.sequence += 1
        passed = f',"internal_chat_message_metadata_passthrough":{{"turn_id":"{self.turn}"}}}}'
        rest = f',"metadata":{{"history_sequence":{self.sequence},"sampled_through_sequence":3,{NOBODY}}}'
        self.write("response_item", payload[:-1] + passed, after, rest)

    def completed(self, item: str, took: int = 0, after: int = 2) -> None:
        started = self.ms + after - took
        self.event(
            f'{{"type":"item_completed","thread_id":"{self.id}","turn_id":"{self.turn}","item":{item},'
            f'"started_at_ms":{started},"completed_at_ms":{self.ms + after}}}',
            after,
        )

    def begin(self) -> None:
        parent, self.root = self.parent, self.id
        source, links = '"vscode"', ""
        if parent is not None and self.subagent:
            self.root = parent.id
            links = f'"parent_thread_id":"{parent.id}",'
            source = (
                f'{{"subagent":{{"thread_spawn":{{"parent_thread_id":"{parent.id}","depth":1,'
                '"agent_path":null,"agent_nickname":"Planck","agent_role":null}}},'
                '"thread_source":"subagent"'
            )
        elif parent is not None:
            links = f'"forked_from_id":"{parent.id}",'
        base = ""
        if parent is not None and not self.subagent:
            self.total, self.last, self.cwd = parent.total, parent.last, parent.cwd
            base = (
                f'"history_base":{{"thread_id":"{parent.id}","end_ordinal_exclusive":'
                f'{len(parent.lines)},"end_byte_offset":{len(parent.text())}}},'
            )
        self.write(
            "session_meta",
            f'{{"account_scoped":true,"session_id":"{self.root}","id":"{self.id}",{links}"timestamp":'
            f'"{stamp(self.ms)}","cwd":"{self.cwd}","runtime_workspace_roots":["{self.cwd}"],'
            f'"originator":"codex_vscode","cli_version":"{self.VERSION}","source":{source},'
            f'"model_provider":"openai","base_instructions":{{"text":"{self.texts.of(INSTRUCTIONS)}",'
            f'"provenance":{{"type":"model","model":"{MODEL}"}}}},"history_mode":"paginated",{base}'
            f"{GIT}}}",
            after=40,
        )
        if base:
            self.counts()

    def start(self) -> None:
        self.ms += self.chance.randrange(5_000, 400_000)
        self.turns += 1
        self.begun, self.turn = self.ms, self.uuid(self.ms)
        root = self.root_turn or self.turn
        self.event(
            f'{{"type":"task_started","turn_attribution":{{"turn_id":"{self.turn}","turn_trigger":null,'
            f'"parent_turn_id":null,"initiating_agent_path":null,"root_turn_id":"{root}"}},'
            f'"turn_id":"{self.turn}","root_turn_id":"{root}","started_at":{self.ms // 1000},'
            f'"model_context_window":{WINDOW},"collaboration_mode_kind":"default"}}'
        )
        if self.turns == 1:
            self.item(message("developer", self.texts.of(ADDED)))
            self.item(message("user", CONTEXT))
            self.write(
                "world_state", f'{{"full":true,"state":{{"body":"{self.texts.of(6_000)}"}}}}'
            )
        self.write(
            "turn_context",
            f'{{"turn_id":"{self.turn}","root_turn_id":"{root}","disabled_plugin_ids":[],"cwd":'
            f'"{self.cwd}","approval_policy":"on-request","approvals_reviewer":"user",'
            f'"permission_profile":{{"type":"disabled"}},"model":"{MODEL}","comp_hash":"2911",'
            f'"collaboration_mode":{{"mode":"default","settings":{{"model":"{MODEL}",'
            '"reasoning_effort":null,"developer_instructions":null}},"multi_agent_version":"v1",'
            '"realtime_active":false,"effort":"high","summary":"none","sandbox_policy":{"type":'
            '"workspace-write","network_access":false}}',
        )
        self.event(
            f'{{"type":"thread_settings_applied","thread_id":"{self.id}","thread_settings":{{"model":'
            f'"{MODEL}","model_provider_id":"openai","approval_policy":"on-request","cwd":"{self.cwd}",'
            f'"runtime_workspace_roots":["{self.cwd}"],"reasoning_summary":"auto"}}}}'
        )

    def take_turn(self, responses: int) -> None:
        self.start()
        prompt = self.texts.about(300)
        self.item(message("user", prompt))
        self.completed(
            f'{{"type":"UserMessage","id":"{self.uuid(self.ms)}","content":[{{"type":"text","text":'
            f'"{prompt}","text_elements":[]}}]}}'
        )
        for n in range(responses):
            last = n == responses - 1
            self.used()
            self.reason()
            if last or n % 4 == 0:
                self.speak(last)
            call = "" if last else self.ask()
            self.record(self.last)
            if call:
                self.run(call)
            self.counts()
        self.end(self.texts.about(500))

    def end(self, said: str) -> None:
        self.event(
            f'{{"type":"task_complete","root_turn_id":"{self.root_turn or self.turn}","turn_id":'
            f'"{self.turn}","last_agent_message":"{said}","started_at":{self.begun // 1000},'
            f'"completed_at":{self.ms // 1000},"duration_ms":{self.ms - self.begun},'
            '"time_to_first_token_ms":1200}'
        )

    def reason(self) -> None:
        said, name = self.texts.about(120), f"rs_{self.hexes(24)}"
        self.completed(
            f'{{"type":"Reasoning","id":"{name}","summary_text":["{said}"],"raw_content":[]}}',
            took=700,
        )
        self.item(
            f'{{"type":"reasoning","id":"{name}","summary":[{{"type":"summary_text","text":"{said}"}}],'
            f'"content":null,"encrypted_content":"{self.texts.sealed(1_800)}"}}'
        )

    def speak(self, last: bool) -> None:
        said, name = self.texts.about(500), f"msg_{self.hexes(24)}"
        phase = "final_answer" if last else "commentary"
        self.completed(
            f'{{"type":"AgentMessage","id":"{name}","content":[{{"type":"Text","text":"{said}"}}],'
            f'"phase":"{phase}"}}',
            took=300,
        )
        self.item(
            f'{{"type":"message","status":"completed","id":"{name}","role":"assistant","content":'
            f'[{{"type":"output_text","text":"{said}","annotations":[],"logprobs":[]}}],'
            f'"phase":"{phase}"}}'
        )

    def ask(self) -> str:
        call, self.command = self.call()
        self.item(
            f'{{"type":"function_call","status":"completed","id":"fc_{self.hexes(24)}","name":'
            f'"exec_command","arguments":"{{\\"cmd\\": \\"{self.command}\\", \\"yield_time_ms\\": '
            f'30000}}","call_id":"{call}"}}'
        )
        return call

    def run(self, call: str) -> None:
        output, took = self.texts.about(2_500), self.chance.randrange(3, 900)
        self.completed(
            f'{{"type":"CommandExecution","id":"{call}","process_id":"96984","command":["/bin/bash",'
            f'"-lc","{self.command}"],"cwd":"file://{self.cwd}","parsed_cmd":[{{"type":"unknown","cmd":'
            f'"{self.command}"}}],"source":"unified_exec_startup","status":"completed",'
            f'"aggregated_output":"{output}","exit_code":0,"duration":{{"secs":0,"nanos":'
            f"{took * 1_000_000}}}}}",
            took,
            took + 5,
        )
        self.item(
            f'{{"type":"function_call_output","id":"fco_{self.uuid(self.ms)}","call_id":"{call}",'
            f'"output":"Chunk ID: {self.hexes(6)}\\nWall time: 0.{took:04} seconds\\nProcess exited with '
            f'code 0\\nOriginal token count: 700\\nOutput:\\n{output}"}}',
            after=5,
        )

    def record(self, usage: tuple[int, int, int, int]) -> None:
        self.write(
            "token_usage_record",
            f'{{"thread_id":"{self.id}","turn_id":"{self.turn}","session_id":"{self.root}",'
            f'"root_turn_id":"{self.root_turn or self.turn}","response_id":"resp_{self.hexes(24)}",'
            f'"usage":{tokens(usage, written=True)},"turn_token_usage":{tokens(usage, written=True)},'
            f'"thread_token_usage":{tokens(self.total, written=True)}}}',
        )

    def compact(self) -> None:
        """In a turn of its own, with what it used itself."""
        self.start()
        self.used()
        self.record(self.last)
        self.write(
            "compacted",
            f'{{"message":"{self.texts.of(6_000)}","replacement_history":{self.history()}}}',
        )
        self.counts()
        self.completed(f'{{"type":"ContextCompaction","id":"{self.uuid(self.ms)}"}}', took=4_000)
        self.end("")
        self.last = (9_000, 0, 0, 0)
