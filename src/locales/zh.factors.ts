import type { factors as english } from "./en.factors.ts";

/** 除密码之外用什么登录，以及何时要求再次验证。 */
export const factors: typeof english = {
  title: "登录方式",
  state: ({ totp, passkeys, codes }) => {
    if (totp + passkeys === 0) return "仅密码。加上第二步验证，密码泄露也打不开账号。";
    const second = [...(totp > 0 ? ["验证码"] : []), ...(passkeys > 0 ? ["通行密钥"] : [])].join("或");
    const alone = passkeys > 0 ? "；也可只用通行密钥" : "";
    return `密码加${second}${alone}；${codes === 0 ? "没有恢复码了" : `还剩 ${codes} 个恢复码`}。`;
  },
  noCodes: "请生成新的恢复码，以备无法使用其他登录方式之时。",
  fewCodes: "请在用完最后一个之前生成新的恢复码。",
  note: "添加或移除任何一个，都会让其他设备全部退出。",
  kinds: { totp: "验证器应用", passkey: "通行密钥" },
  synced: "可在多台设备上使用",
  used: "上次使用",
  unused: "尚未使用",
  passkeyName: "新通行密钥的名称",
  addAuthenticator: "设置验证器应用",
  addPasskey: "添加通行密钥",
  remove: "移除",
  removeNamed: (name) => `移除 ${name}`,
  confirmRemove: (name) => `确定移除“${name}”？其他设备会全部退出，它也不能再用来登录。`,
  makeCodes: "生成新的恢复码",
  confirmCodes: "确定生成十个新的恢复码？现有的将作废。",
  setup: {
    title: "验证器应用",
    lead: "用验证器应用扫描这张图，或把密钥输入应用，然后输入应用显示的验证码。",
    picture: "供验证器应用扫描的图片",
    key: "密钥",
    open: "在本机的应用中打开",
    code: "验证码",
    submit: "启用",
    cancel: "暂不设置",
  },
  codes: {
    title: "恢复码",
    lead: "无法使用其他登录方式时，每个恢复码可让你登录一次。它们只显示这一次：请打印本页或妥善保存，不要和密码放在一起。",
    goOn: "我已保存",
  },
  second: {
    title: "还差一步",
    lead: "密码正确。请输入验证器应用显示的验证码，或一个恢复码。",
    leadWithPasskey: "密码正确。请使用通行密钥，或输入一个恢复码。",
    code: "验证码",
    codeOnlyHint: "六位数字",
    codeHint: "六位数字，或一个恢复码",
    recoveryHint: "你保存的恢复码之一，例如 4F7K-…",
    recoveryCode: "恢复码",
    submit: "登录",
    again: "重新开始",
    lost: "全都丢失了？",
    lostNote: "请联系这个 Duet 的管理员：他们可以生成一个无需第二步验证的链接。",
  },
  proof: {
    title: "请确认是你本人",
    lead: "接下来的操作很重要，请确认是你本人；超过十分钟会再次要求。",
    submit: "继续",
    cancel: "取消",
    confirmed: "已确认是你本人",
    goOn: "尚未做任何更改，请继续刚才的操作。",
  },
  passkey: {
    signIn: "用通行密钥登录",
    use: "使用通行密钥",
    needsScript: "通行密钥需要 JavaScript。",
    unsupported: "此浏览器不能使用通行密钥。",
    held: "此设备已有这个账号的通行密钥。",
    failed: "没有使用通行密钥。请重试，或换一种方式。",
  },
};
