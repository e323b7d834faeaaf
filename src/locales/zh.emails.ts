import type { emails as english } from "./en.emails.ts";

/** 有邮件服务器时：请求发信，以及信中链接打开的页面。 */
export const emails: typeof english = {
  forgot: {
    title: "忘记密码？",
    lead: "如果有这个账号，且它的邮箱已确认，我们会发一封邮件，里面的链接可以设新密码。",
    submit: "发送邮件",
    sent: "如果有这个账号，且它的邮箱已确认，邮件已在路上。可能需要几分钟；也请看看垃圾邮件。",
  },
  byLetter: "发送邮件，设一个新密码",
  confirm: {
    title: "这是你的邮箱吗？",
    lead: (email) => `${email} 将成为此账号的邮箱：可用来登录，并接收有关账号的邮件。`,
    submit: "确认邮箱",
  },
  undo: {
    title: "撤销邮箱更改",
    lead: (email) => `账号恢复为 ${email}，所有设备都会退出登录。然后请设新密码。`,
    submit: "撤销更改",
    done: "邮箱已恢复，所有设备已退出登录。现在请设新密码：",
  },
  waiting: (email) => `${email} 等待确认：请打开发到该邮箱的邮件中的链接。`,
  giveUp: "放弃",
  signInFirst: "请登录要确认邮箱的那个账号。",
  sendAgain: "重新发送邮件",
};
