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
export type AccountReport = Schemas['ReportView']
export type Check = Schemas['CheckView']
export type Health = Schemas['HealthView']
export type CheckPart = NonNullable<Schemas['ChecksToRun']['parts']>[number]
export type BegunAuthorization = Schemas['BegunAuthorizationView']
export type AccountComparison = Schemas['ComparisonView']
export type PermissionSet = Schemas['PermissionSetView']
export type ChannelPermission = Schemas['ChannelPermissionView']
export type SettingsPart = Schemas['SettingsCopy']['parts'][number]
export type WorkspaceSettings = Schemas['WorkspaceSettingsView']
export type WorkspaceChange = Schemas['WorkspaceChange']
export type Platform = Schemas['PlatformView']
export type PlatformChange = Schemas['PlatformChange']
export type Unclaimed = Schemas['UnclaimedView']

export type MenuState = Schemas['MenuView']
export type Menu = Schemas['Menu-Output']
export type MenuItem = Schemas['Item-Output']
export type SubMenuItem = Schemas['SubItem-Output']
export type MenuAction = NonNullable<SubMenuItem['action']>
export type MenuFault = Schemas['MenuFaultView']
export type MenuDifference = Schemas['MenuDifferenceView']
export type MenuVersion = Schemas['MenuVersionView']
export type MenuLimits = Schemas['MenuLimitsView']
export type MenuRule = Schemas['MatchRule']
export type ConditionalMenu = Schemas['ConditionalMenuView']

export type FollowReplyState = Schemas['FollowReplyView']
export type FollowReply = Schemas['FollowReply']
export type FollowReplyLimits = Schemas['FollowReplyLimitsView']
export type ReplyMessage = NonNullable<FollowReply['first']>[number]
export type ReplyPicture = Schemas['ReplyPictureView']

export type Conversation = Schemas['ConversationView']
export type ConversationPage = Schemas['ConversationsView']
export type EnterpriseIdentity = Schemas['EnterpriseIdentityView']
export type IdentityConflict = EnterpriseIdentity['conflicts'][number]
export type Customer = Schemas['CustomerView']
export type Budget = Schemas['BudgetView']
export type Delivery = Schemas['DeliveryView']
export type Message = Schemas['MessageView']
/** What an agent says to the customer. */
export type Saying = Schemas['Reply']['content']
export type Upload = Schemas['UploadView']
export type MessagePage = Schemas['MessagesView']
export type Content = Message['content']

export type Scope = 'mine' | 'queue' | 'all'
export type ConversationState = Conversation['state']
