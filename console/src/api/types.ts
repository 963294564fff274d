/** Short names for the server's own types. Nothing is described twice: all of it comes from the generated schema. */
import type { components } from './schema'

type Schemas = components['schemas']

export type Session = Schemas['SessionView']
export type Agent = Schemas['AgentView']
export type AgentStatus = Agent['status']

export type Channel = Schemas['ChannelView']
export type ChannelState = Channel['state']
export type ChannelSettings = Schemas['ChannelSettings']
export type ChannelKind = Schemas['ChannelKindView']
export type Capabilities = Schemas['CapabilitiesView']
export type CredentialField = Schemas['CredentialFieldView']
export type Check = Schemas['CheckView']
export type PermissionSet = Schemas['PermissionSetView']
export type ChannelPermission = Schemas['ChannelPermissionView']
export type SettingsPart = Schemas['SettingsCopy']['parts'][number]
export type Platform = Schemas['PlatformView']
export type PlatformChange = Schemas['PlatformChange']
export type Unclaimed = Schemas['UnclaimedView']

export type Conversation = Schemas['ConversationView']
export type ConversationPage = Schemas['ConversationsView']
export type Budget = Schemas['BudgetView']
export type Message = Schemas['MessageView']
export type MessagePage = Schemas['MessagesView']
export type Content = Message['content']
export type Delivery = Schemas['DeliveryView']

export type Scope = 'mine' | 'queue' | 'all'
export type ConversationState = Conversation['state']
