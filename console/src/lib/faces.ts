/**
 * WeChat's faces. It sends them as codes inside texts, `/::)` or `[捂脸]`, and shows pictures for them; the name in
 * brackets follows the language of the sender's phone. The code stays in the text, this only finds it.
 *
 * Source: public compilations, since no official table exists.
 */
export interface Face {
  emoji: string
  zh: string
  en: string
}

export interface SpokenPiece {
  /** As it came, also where it is a face. */
  text: string
  face: Face | null
}

/** Code, if it has one; Chinese and English name; picture. */
const TABLE = `
/::) 微笑 Smile 🙂
/::~ 撇嘴 Grimace 😕
/::B 色 Drool 😍
/::| 发呆 Scowl 😐
/:8-) 得意 CoolGuy 😎
/::< 流泪 Sob 😢
/::$ 害羞 Shy ☺️
/::X 闭嘴 Silent 🤐
/::Z 睡 Sleep 😴
/::'( 大哭 Cry 😭
/::-| 尴尬 Awkward 😬
/::@ 发怒 Angry 😡
/::P 调皮 Tongue 😜
/::D 呲牙 Grin 😁
/::O 惊讶 Surprise 😮
/::( 难过 Frown 🙁
/::+ 酷 Cool 😎
/:--b 囧 Blush 😓
/::Q 抓狂 Scream 😫
/::T 吐 Puke 🤮
/:,@P 偷笑 Chuckle 🤭
/::-D 愉快 Joyful 😊
/:,@-D 愉快 Joyful 😊
/::d 白眼 Slight 🙄
/:,@o 傲慢 Smug 😤
/::g 饥饿 Hungry 😋
/:|-) 困 Drowsy 😪
/::! 惊恐 Panic 😨
/::L 流汗 Sweat 😓
/::> 憨笑 Laugh 😄
/::,@ 悠闲 Loafer 😌
/:,@f 奋斗 Determined 💪
/::-S 咒骂 Scold 🤬
/:? 疑问 Shocked 🤔
/:,@x 嘘 Shhh 🤫
/:,@@ 晕 Dizzy 😵
/::8 疯了 Crazy 🤪
/:,@! 衰 Toasted 😞
/:!!! 骷髅 Skull 💀
/:xx 敲打 Hammer 🔨
/:bye 再见 Wave 👋
/:wipe 擦汗 Speechless 😅
/:dig 抠鼻 NosePick 😶
/:handclap 鼓掌 Clap 👏
/:&-( 糗大了 Embarrassed 😳
/:B-) 坏笑 Trick 😏
/:<@ 左哼哼 Bah!L 😤
/:@> 右哼哼 Bah!R 😤
/::-O 哈欠 Yawn 🥱
/:>-| 鄙视 Pooh-pooh 😒
/:P-( 委屈 Shrunken 🥺
/::'| 快哭了 TearingUp 😥
/:X-) 阴险 Sly 😈
/::* 亲亲 Kiss 😘
/:@x 吓 Scared 😱
/:8* 可怜 Whimper 🥺
/:pd 菜刀 Cleaver 🔪
/:<W> 西瓜 Watermelon 🍉
/:beer 啤酒 Beer 🍺
/:basketb 篮球 Basketball 🏀
/:oo 乒乓 PingPong 🏓
/:coffee 咖啡 Coffee ☕
/:eat 饭 Rice 🍚
/:pig 猪头 Pig 🐷
/:rose 玫瑰 Rose 🌹
/:fade 凋谢 Wilt 🥀
/:showlove 嘴唇 Lips 👄
/:heart 爱心 Heart ❤️
/:break 心碎 BrokenHeart 💔
/:cake 蛋糕 Cake 🎂
/:li 闪电 Lightning ⚡
/:bome 炸弹 Bomb 💣
/:kn 刀 Dagger 🗡️
/:footb 足球 Soccer ⚽
/:ladybug 瓢虫 Ladybug 🐞
/:shit 便便 Poop 💩
/:moon 月亮 Moon 🌙
/:sun 太阳 Sun ☀️
/:gift 礼物 Gift 🎁
/:hug 拥抱 Hug 🤗
/:strong 强 ThumbsUp 👍
/:weak 弱 ThumbsDown 👎
/:share 握手 Shake 🤝
/:v 胜利 Peace ✌️
/:@) 抱拳 Salute 🙏
/:jj 勾引 Beckon 👉
/:@@ 拳头 Fist 👊
/:bad 差劲 Pinky 👎
/:lvu 爱你 RockOn 🤟
/:no NO Nuh-uh 🙅
/:ok OK OK 👌
/:love 爱情 InLove 💕
/:<L> 飞吻 Blowkiss 😘
/:jump 跳跳 Waddle 💃
/:shake 发抖 Tremble 🥶
/:<O> 怄火 Aaagh! 😡
/:circle 转圈 Twirl 💫
/:kotow 磕头 Kotow 🙇
/:turn 回头 Dramatic 👀
/:skip 跳绳 JumpRope 🪢
/:oY 投降 Surrender 🏳️
/:#-0 激动 Hooray 🎊
/:hiphot 街舞 HeyHey 🕺
/:kiss 献吻 Smooch 💋
/:<& 左太极 TaiChi-L ☯️
/:&> 右太极 TaiChi-R ☯️
- 捂脸 Facepalm 🤦
- 奸笑 Smirk 😏
- 嘿哈 Hey 😆
- 机智 Smart 🤓
- 皱眉 Concerned 😟
- 耶 Yeah! ✌️
- 红包 Packet 🧧
- 发 Rich 🀅
- 福 Blessing 🏮
- 笑脸 Happy 😃
- 生病 Sick 😷
- 脸红 Flushed 😳
- 破涕为笑 Lol 😂
- 恐惧 Terror 😱
- 失望 LetDown 😔
- 无语 Duh 😑
- 吃瓜 Onlooker 🍉
- 加油 GoForIt 💪
- 汗 Sweats 😅
- 天啊 OMG 😱
- Emm Emm 🤔
- 社会社会 Respect 🙏
- 旺柴 Doge 🐶
- 好的 NoProb 👌
- 打脸 MyBad 🤕
- 哇 Wow 🤩
- 翻白眼 Boring 🙄
- 666 Awesome 🤙
- 让我看看 LetMeSee 👀
- 叹气 Sigh 😮‍💨
- 苦涩 Hurt 😣
- 裂开 Broken 💔
- 合十 Worship 🙏
- 爆竹 Firecracker 🧨
- 烟花 Fireworks 🎆
- 庆祝 Party 🎉
`

function read(table: string): Map<string, Face> {
  const faces = new Map<string, Face>()
  for (const line of table.trim().split('\n')) {
    const [code = '', zh = '', en = '', emoji = ''] = line.split(' ')
    const face = { emoji, zh, en }
    if (code !== '-') faces.set(code, face)
    for (const name of [zh, en]) if (!faces.has(`[${name}]`)) faces.set(`[${name}]`, face)
    // A phone also understands a name behind a bare stroke, but only a Chinese one stands out from a path.
    if (/^\p{Script=Han}{2,}$/u.test(zh)) faces.set(`/${zh}`, face)
  }
  return faces
}

export const FACES: ReadonlyMap<string, Face> = read(TABLE)
/** Each face once, with the code that every phone understands; in WeChat's order. */
export const PICKABLE: readonly { code: string; face: Face }[] = pickable(FACES)
const LONGEST = Math.max(...[...FACES.keys()].map((code) => code.length))

function pickable(faces: ReadonlyMap<string, Face>): { code: string; face: Face }[] {
  const seen = new Set<string>()
  return [...faces].flatMap(([code, face]) => {
    if (seen.has(face.zh)) return []
    seen.add(face.zh)
    return [{ code, face }]
  })
}

/** Return the faces whose Chinese or English name, or code, has `words` in it; all for none. */
export function facesNamed(words: string): readonly { code: string; face: Face }[] {
  const sought = words.trim().toLowerCase()
  if (sought === '') return PICKABLE
  return PICKABLE.filter(({ code, face }) =>
    [face.zh, face.en, code].some((name) => name.toLowerCase().includes(sought)),
  )
}

/** Return `text` cut into words and faces, in order; joined they are `text` again. Of two codes the longer one counts. */
export function splitFaces(text: string): SpokenPiece[] {
  const pieces: SpokenPiece[] = []
  let from = 0
  let at = 0
  while (at < text.length) {
    const code = codeAt(text, at)
    const face = FACES.get(code)
    if (face === undefined) {
      at += 1
      continue
    }
    if (at > from) pieces.push({ text: text.slice(from, at), face: null })
    pieces.push({ text: code, face })
    at += code.length
    from = at
  }
  if (from < text.length) pieces.push({ text: text.slice(from), face: null })
  return pieces
}

/** The longest code that begins at `at`; empty if none does. */
function codeAt(text: string, at: number): string {
  const first = text[at]
  if (first !== '/' && first !== '[') return ''
  for (let length = Math.min(LONGEST, text.length - at); length > 1; length -= 1) {
    const code = text.slice(at, at + length)
    if (FACES.has(code)) return code
  }
  return ''
}
