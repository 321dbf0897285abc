"""The names of an app-server's stream that are known and tell us nothing."""

MESSAGES = frozenset(
    """
    account/chatgptAuthTokens/refresh account/gatewayOAuth/changed account/login/completed
    account/updated app/list/updated attestation/generate authStatusChange command/exec/outputDelta
    configWarning currentTime/read deprecationNotice externalAgentConfig/import/completed
    externalAgentConfig/import/progress fs/changed fuzzyFileSearch/sessionCompleted
    fuzzyFileSearch/sessionUpdated guardianWarning item/agentMessage/delta
    item/commandExecution/outputDelta item/commandExecution/terminalInteraction
    item/fileChange/outputDelta item/fileChange/patchUpdated item/mcpToolCall/progress
    item/plan/delta item/reasoning/summaryPartAdded item/reasoning/summaryTextDelta
    item/reasoning/textDelta loginChatGptComplete mcpServer/event/stream/notification
    mcpServer/oauthLogin/completed model/safetyBuffering/updated model/verification
    modelProvider/authRecoveryCompleted modelProvider/authRecoveryStarted process/exited
    process/outputDelta project/changed rawResponseItem/completed remoteControl/status/changed
    sessionConfigured skills/changed thread/attachment/updated thread/closed
    thread/compacted thread/deleted thread/environment/connected thread/environment/disconnected
    thread/goal/cleared thread/goal/updated thread/name/updated thread/prediction/updated
    thread/project/updated thread/queue/changed thread/readState/changed thread/realtime/closed
    thread/realtime/error thread/realtime/item/completed thread/realtime/item/started
    thread/realtime/item/transcript/delta thread/realtime/itemAdded
    thread/realtime/outputAudio/delta thread/realtime/sdp thread/realtime/started
    thread/realtime/transcript/delta thread/realtime/transcript/done thread/section/changed
    turn/diff/updated turn/moderationMetadata warning windows/worldWritableWarning
    windowsSandbox/setupCompleted
    """.split()
)
"""Names of the protocol (0.63 to 0.169) that tell us nothing we keep, and deltas, which are content.
Why each is ignored: `schema/wire/app_server.toml`."""

EVENTS = frozenset(
    """
    agent_message_content_delta agent_reasoning_raw_content agent_reasoning_raw_content_delta
    agent_reasoning_section_break apply_patch_approval_request background_event
    collab_agent_interaction_begin collab_agent_interaction_end collab_agent_spawn_begin
    collab_agent_spawn_end collab_close_begin collab_close_end collab_resume_begin collab_resume_end
    collab_waiting_begin collab_waiting_end context_compacted conversation_path deprecation_notice
    dynamic_tool_call_request dynamic_tool_call_response elicitation_request entered_review_mode
    exec_approval_request exec_command_output_delta exited_review_mode get_history_entry_response
    item_completed item_started list_custom_prompts_response list_remote_skills_response
    list_skills_response mcp_list_tools_response model_reroute plan_delta plan_update
    raw_response_item realtime_conversation_closed realtime_conversation_realtime
    realtime_conversation_started reasoning_content_delta reasoning_raw_content_delta
    remote_skill_downloaded request_user_input session_configured shutdown_complete
    skills_update_available terminal_interaction thread_name_updated thread_rolled_back turn_diff
    undo_completed undo_started user_message view_image_tool_call warning
    """.split()
)
"""Events of the older protocol (0.42 to 0.106) that tell nothing the newer one doesn't, or that are
content. Why each is ignored: `schema/wire/older_events.toml`."""
