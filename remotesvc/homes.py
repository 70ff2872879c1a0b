"""Homes: where the public names live; a child gets this file when it first uses one of them."""

__all__ = ["HOMES"]

# Those not listed are exceptions, or do not exist.
HOMES = {
    "Channel": "remotesvc.channel.channel",
    "Context": "remotesvc.core.context",
    "EndOfStream": "remotesvc.channel.receiver",
    "ModulePolicy": "remotesvc.controller.modules.grants",
    "Receiver": "remotesvc.channel.receiver",
    "Router": "remotesvc.router",
    "Secret": "remotesvc.core.secret",
    "Select": "remotesvc.channel.select",
    "Sender": "remotesvc.channel.sender",
    "current_call": "remotesvc.service.call",
    "current_router": "remotesvc.current",
    "main": "remotesvc.program",
}
