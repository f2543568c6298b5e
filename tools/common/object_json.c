/* A named object as JSON. */
#include "tools/common/object_json.h"

#include "base/json_text.h"

const char *tool_object_state(shmrpc_object_state state)
{
    switch (state) {
    case SHMRPC_OBJECT_FREE:
        return "free";
    case SHMRPC_OBJECT_HELD:
        return "held";
    case SHMRPC_OBJECT_OWNER_DIED:
        return "owner died";
    case SHMRPC_OBJECT_DESTROYED:
        return "destroyed";
    case SHMRPC_OBJECT_DAMAGED:
        return "damaged";
    case SHMRPC_OBJECT_UNREADABLE:
        return "denied";
    case SHMRPC_OBJECT_IN_USE:
        return "in use";
    case SHMRPC_OBJECT_IDLE:
        return "idle";
    case SHMRPC_OBJECT_OVER:
        return "over";
    }
    return "?";
}

void tool_object_members(const shmrpc_object_info *info, shmrpci_buf *out)
{
    shmrpci_json_set_text(out, "name", info->name);
    shmrpci_json_set_text(out, "kind", info->kind);
    shmrpci_json_set_text(out, "state", tool_object_state(info->state));
    shmrpci_json_set_text(out, "type", info->type);
    shmrpci_json_set_uint(out, "open", info->open_count);
    shmrpci_json_set_int(out, "owner_pid", info->owner_pid);
    shmrpci_json_set_uint(out, "memory_bytes", info->memory_bytes);
    shmrpci_json_set_int(out, "idle_ns", info->idle_ns);
    shmrpci_json_set_uint(out, "uid", info->uid);
    shmrpci_json_set_uint(out, "mode", info->mode);
}
